import { describe, expect, it } from '@jest/globals';
import { PullSysFlag, V5_0_0 } from '@rocketnest/protocol';
import { BrokerLink, type PullFields } from '../../src/consumer/broker-link.js';
import type { ClientInstance } from '../../src/instance.js';

const QUEUE = { topic: 'orders', brokerName: 'broker-a', queueId: 0 };
const { COMMIT_OFFSET, LITE_PULL_MESSAGE, SUBSCRIPTION, SUSPEND } = PullSysFlag;

/** The flags a pull goes out with to a broker like this. */
function flagsSent(sysFlag: number, broker: { slave: boolean; version: number }): number {
  const sent: number[] = [];
  const instance = {
    findBrokerAddress: () => ({ address: '10.0.0.1:10911', brokerId: 0, slave: broker.slave }),
    brokerVersion: () => broker.version,
    api: { pullMessage: (_address: string, fields: PullFields) => sent.push(fields.sysFlag) },
  };
  const link = new BrokerLink(instance as unknown as ClientInstance, 'group');
  link.pull(QUEUE, 0, { sysFlag } as PullFields, 1_000, () => {});
  return sent[0]!;
}

describe('BrokerLink.pull', () => {
  it('commits no offset through a slave', () => {
    const flags = SUSPEND | COMMIT_OFFSET;
    expect(flagsSent(flags, { slave: false, version: V5_0_0 })).toBe(flags);
    expect(flagsSent(flags, { slave: true, version: V5_0_0 })).toBe(SUSPEND);
  });

  it('sends lite pulls to brokers that are known to have them', () => {
    const flags = SUSPEND | SUBSCRIPTION | LITE_PULL_MESSAGE;
    expect(flagsSent(flags, { slave: false, version: V5_0_0 })).toBe(flags);
    for (const version of [0, V5_0_0 - 1])
      expect(flagsSent(flags, { slave: false, version })).toBe(SUSPEND | SUBSCRIPTION);
  });
});
