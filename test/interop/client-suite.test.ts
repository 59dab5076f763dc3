import { fileURLToPath } from 'node:url';
import { it } from '@jest/globals';
import { Child } from '../support/child.js';
import { Servers } from '../support/servers.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Test files of the client whose cluster may be another's; `npm test` runs them on ours. */
const FILES = [
  'consumer/control',
  'consumer/group',
  'consumer/lifecycle',
  'consumer/operations',
  'consumer/orderly',
  'consumer/push-consumer',
  'consumer/retry',
  'consumer/start-offset',
  'consumer/subscription-check',
  'producer/producer',
  'producer/transaction-producer',
].map((name) => `packages/client/test/${name}.test.ts`);

it("the client's own tests pass on Apache's servers", async () => {
  await using servers = await Servers.start('apache', {
    broker: {
      messageDelayLevel: '1s 1s 1s 1s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s',
      enablePropertyFilter: true,
      transactionTimeOut: 1_000,
      transactionCheckInterval: 1_000,
    },
  });
  const jest = new Child('Jest', {
    command: process.execPath,
    args: ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--rootDir', root, '--runInBand', ...FILES],
    env: { ROCKETNEST_TEST_NAMESRV: servers.namesrvAddr },
  });
  const exit = await jest.waitForExit(280_000);
  if (exit !== 'code 0') throw jest.error(`ended with ${exit}`);
});
