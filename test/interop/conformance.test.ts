import { fileURLToPath } from 'node:url';
import { it, jest } from '@jest/globals';
import { Child } from '../support/child.js';
import { serverKinds } from '../support/servers.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const TIMEOUT_MS = 600_000;
/** Jest's report of what failed. */
const OUTPUT_LINES = 400;

// The suite itself tries a failed test again.
jest.retryTimes(0);

it.each(serverKinds)(
  'our client keeps its promises on the servers of %s',
  async (kind) => {
    const args = ['scripts/conformance.mjs', '--no-build', '--broker', kind];
    const child = new Child(`conformance on ${kind}`, { command: process.execPath, args, cwd: root }, OUTPUT_LINES);
    const exit = await child.waitForExit(TIMEOUT_MS - 10_000);
    if (exit !== 'code 0') throw child.error(`ended with ${exit}`);
  },
  TIMEOUT_MS,
);
