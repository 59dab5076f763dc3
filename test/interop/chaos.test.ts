import { fileURLToPath } from 'node:url';
import { describe, it, jest } from '@jest/globals';
import { Child } from '../support/child.js';
import { targets } from '../support/servers.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const MINUTES = 2;
const TIMEOUT_MS = (MINUTES + 4) * 60_000;

/** Of the calendar week: the same for everyone who looks into a failure, another sequence of faults before long. */
const SEED = Math.floor(Date.now() / (7 * 24 * 3_600_000));

// A message lost in one run of two is lost.
jest.retryTimes(0);

describe('chaos', () => {
  // At the same time: both wait more than they work.
  it(
    'loses nothing that was acknowledged',
    async () => {
      await Promise.all(targets.map(chaos));
    },
    TIMEOUT_MS,
  );
});

async function chaos(target: string): Promise<void> {
  const args = ['scripts/chaos.mjs', '--no-build', '--broker', target, '--minutes', `${MINUTES}`, '--seed', `${SEED}`];
  const child = new Child(`chaos on ${target}`, { command: process.execPath, args, cwd: root });
  const exit = await child.waitForExit(TIMEOUT_MS - 10_000);
  if (exit !== 'code 0') throw child.error(`ended with ${exit}`);
  const summary = child.lines.slice(child.lines.findLastIndex((line) => line.startsWith('chaos on ')));
  process.stdout.write(`${summary.join('\n')}\n\n`);
}
