import { it } from '@jest/globals';
import { startCluster as startOwnCluster } from '@rocketnest/testing';
import { brokerOptions } from './broker-options.js';

/** The name servers of a broker that was started for the run, by scripts/nest.mjs; undefined: tests start ours. */
const given = process.env['ROCKETNEST_TEST_NAMESRV'];

export interface TestCluster extends AsyncDisposable {
  readonly namesrvAddr: string;
  /** Stops what startCluster started. */
  close(): Promise<void>;
}

/** The cluster of the run: Apache's that all files share, or one of ours for the caller alone, with the same options. */
export async function startCluster(): Promise<TestCluster> {
  if (given === undefined) return startOwnCluster({ broker: brokerOptions });
  const close = async (): Promise<void> => undefined;
  return { namesrvAddr: given, close, [Symbol.asyncDispose]: close };
}

/**
 * A cluster of ours on any run: the second cluster of tests that need two, and for tests of `onlyOnOurs` that stop servers or choose
 * their ports.
 */
export { startOwnCluster };

/** `it`, for what only servers in this process can do: on a run with others the test is shown as skipped, with the reason. */
export function onlyOnOurs(reason: string): (name: string, test: () => Promise<unknown>, timeoutMs?: number) => void {
  if (given === undefined) return it;
  return (name, test, timeoutMs) => it.skip(`${name} (only on our servers: ${reason})`, test, timeoutMs);
}
