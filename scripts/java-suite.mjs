// node scripts/java-suite.mjs [--target rocketnest|apache] [--class PopTest,SendTest] [--method text] [--save] [--no-build]
// The developer's way to run classes of the Java suite: compiles, starts the servers, prints one line per test.
// --save keeps the results of whole classes for the compatibility page.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { register } from 'tsx/esm/api';
import { prepareApache } from './apache.mjs';
import { saveResults } from './compatibility.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    target: { type: 'string', default: 'rocketnest' },
    class: { type: 'string' },
    method: { type: 'string' },
    save: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
});
if (!['rocketnest', 'apache'].includes(values.target)) {
  console.error(`--target is rocketnest or apache, not ${values.target}`);
  process.exit(1);
}

if (values.save && values.method) {
  console.error('--save keeps the results of whole classes: leave out --method');
  process.exit(1);
}

prepareApache();
if (
  !values['no-build'] &&
  spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { stdio: 'inherit' }).status
) {
  console.error('The build failed (above); the servers run as they were built last.');
}

register();
const { runSuite } = await import('../test/support/java-suite.ts');
const MARK = { passed: 'ok  ', refused: 'no  ', failed: 'FAIL', skipped: 'skip' };
try {
  const run = await runSuite(values.target, {
    ...(values.class && { classes: values.class.split(',') }),
    method: values.method,
    onResult: ({ test, outcome, ms, message }) => {
      console.log(`${MARK[outcome]} ${test} (${ms} ms)`);
      if (message !== null) console.log(message.replace(/^/gm, '       '));
    },
  });
  const { results } = run;
  if (values.save) saveResults(values.target, run, { whole: values.class === undefined });
  const count = (outcome) => results.filter((result) => result.outcome === outcome).length;
  console.log(
    `${values.target}: ${count('passed')} passed, ${count('refused')} not supported, ${count('failed')} failed, ${count('skipped')} skipped`,
  );
  process.exitCode = results.length === 0 || count('failed') > 0 ? 1 : 0;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
