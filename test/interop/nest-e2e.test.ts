import { fileURLToPath } from 'node:url';
import { it, jest } from '@jest/globals';
import { Child } from '../support/child.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const TIMEOUT_MS = 600_000;
/** Jest's report of what failed. */
const OUTPUT_LINES = 400;

// The suite itself tries a failed test again.
jest.retryTimes(0);

it(
  "the Nest framework keeps its promises on Apache's servers, on Nest 11 and 12",
  async () => {
    const args = ['scripts/nest.mjs', '--no-build', '--broker', 'apache'];
    const child = new Child('Nest on Apache', { command: process.execPath, args, cwd: root }, OUTPUT_LINES);
    const exit = await child.waitForExit(TIMEOUT_MS - 10_000);
    if (exit !== 'code 0') throw child.error(`ended with ${exit}`);
  },
  TIMEOUT_MS,
);
