import { createRequire } from 'node:module';
import { expect, it } from '@jest/globals';
import { unique } from '@rocketnest/testing';
import { startCluster } from './cluster.js';
import { inFlight, PATIENCE_MS } from './support/slow-application.js';

/** What scripts/nest.mjs asked for; `npm test` is the workspace's Nest as ESM. */
const { ROCKETNEST_TEST_NEST: nest = '12', ROCKETNEST_TEST_FORMAT: format = 'esm' } = process.env;
const { version } = createRequire(import.meta.url)('@nestjs/core/package.json') as { version: string };

it(`these tests run on Nest ${nest} as ${format}`, () => {
  expect(version).toMatch(new RegExp(`^${nest}\\.`));
  // CommonJS modules have a `module`.
  expect(typeof module === 'undefined' ? 'esm' : 'cjs').toBe(format);
});

// Jest cannot require() Nest 12, which is ESM only; Node.js can.
it.each(['cjs', 'esm'] as const)(`what was built runs on Nest ${nest} as %s`, async (programFormat) => {
  await using cluster = await startCluster();
  const scenario = { topic: unique('t'), group: unique('g'), handlerMs: 0, shutdownTimeoutMs: 10_000 };
  const { child } = await inFlight({ namesrvAddr: cluster.namesrvAddr, format: programFormat, ...scenario }, 1);
  expect(await child.stop(PATIENCE_MS)).toBe('signal SIGTERM');
  expect(child.lines[0]).toBe(`Nest ${version}`);
});
