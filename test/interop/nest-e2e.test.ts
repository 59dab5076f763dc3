import { fileURLToPath } from 'node:url';
import { it, jest } from '@jest/globals';
import { Child } from '../support/child.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const TIMEOUT_MS = 480_000;
/** Jest's report of what failed. */
const OUTPUT_LINES = 400;

// The suite itself tries a failed test again.
jest.retryTimes(0);

// Each version in the format that most of its applications have. Nest 11 as ESM runs on our broker: what a broker does is not seen by
// how modules are loaded.
it.each([
  ['11', 'cjs'],
  ['12', 'esm'],
])(
  "the framework's end-to-end tests pass on Apache's servers: Nest %s as %s",
  async (nest, format) => {
    const args = ['scripts/nest.mjs', '--no-build', '--nest', nest, '--format', format, '--broker', 'apache'];
    const child = new Child(`Nest ${nest} on Apache`, { command: process.execPath, args, cwd: root }, OUTPUT_LINES);
    const exit = await child.waitForExit(TIMEOUT_MS - 10_000);
    if (exit !== 'code 0') throw child.error(`ended with ${exit}`);
  },
  TIMEOUT_MS,
);
