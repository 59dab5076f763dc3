// npm run chaos -- [--broker rocketnest|apache] [--minutes 10] [--seed N] [--flush ASYNC_FLUSH|SYNC_FLUSH] [--no-build]
// Our client while servers are killed and the network fails: nothing acknowledged may be lost. test/chaos/README.md
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { register } from 'tsx/esm/api';
import { prepareApache } from './apache.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    broker: { type: 'string', default: 'rocketnest' },
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    flush: { type: 'string', default: 'ASYNC_FLUSH' },
    'no-build': { type: 'boolean', default: false },
  },
});
const { broker: target, flush } = values;
const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
const wrong = [
  !['rocketnest', 'apache'].includes(target) && `--broker is rocketnest or apache, not ${target}`,
  !['ASYNC_FLUSH', 'SYNC_FLUSH'].includes(flush) && `--flush is ASYNC_FLUSH or SYNC_FLUSH, not ${flush}`,
  !(minutes > 0) && `--minutes is a number above 0, not ${values.minutes}`,
  !Number.isInteger(seed) && `--seed is an integer, not ${values.seed}`,
].filter(Boolean);
if (wrong.length > 0) {
  console.error(wrong.join('\n'));
  process.exit(1);
}

if (target === 'apache') prepareApache();
if (!values['no-build']) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'setup.mjs')], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

register();
const { chaos, summary } = await import('../test/chaos/chaos.ts');
const startedAt = Date.now();
const log = (line) => console.log(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${line}`);
const result = await chaos({ target, minutes, seed, flush, log });
console.log(`\nchaos on ${target}, ${flush}, ${minutes} min, seed ${seed}\n${summary(result)}`);
console.log(result.problems.length === 0 ? 'PASSED' : 'FAILED');
process.exitCode = result.problems.length === 0 ? 0 : 1;

// Everything is closed: whatever keeps the process alive now is a leak of the client.
setTimeout(() => {
  console.error(`FAILED: still open after the end: ${process.getActiveResourcesInfo().join(', ')}`);
  process.exit(1);
}, 10_000).unref();
