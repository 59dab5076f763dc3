import type { TopicConfig } from '@rocketnest/protocol';
import type { BrokerRegistration, RouteTableOptions } from '../src/route-table.js';

export function topic(topicName: string, special: Partial<TopicConfig> = {}): TopicConfig {
  return {
    topicName,
    readQueueNums: 4,
    writeQueueNums: 4,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: {},
    ...special,
  };
}

export const tableOptions: RouteTableOptions = {
  brokerExpiryMs: 120_000,
  supportActingMaster: false,
  notifyMinBrokerIdChanged: false,
  deleteTopicWithBrokerRegistration: false,
};

/** A master broker-a at 10.0.0.1:10911 with the topics t1 and t2. */
export function registration(special: Partial<BrokerRegistration> = {}): BrokerRegistration {
  return {
    clusterName: 'c1',
    brokerName: 'broker-a',
    brokerAddr: '10.0.0.1:10911',
    brokerId: 0,
    haServerAddr: '10.0.0.1:10912',
    enableActingMaster: false,
    dataVersion: { stateVersion: 0, timestamp: 1, counter: 1 },
    topicConfigs: [topic('t1'), topic('t2')],
    queueMappings: {},
    filterServers: [],
    connection: {},
    ...special,
  };
}

/** Polls until the condition holds; fails after 10 s naming it. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`gave up waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
