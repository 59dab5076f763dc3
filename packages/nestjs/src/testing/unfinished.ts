import type { Admin, BrokerMember, ConsumerGroupMembers, MessageQueue } from '@rocketnest/client';

/** RocketMQ's own topics and group (Java: TopicValidator, TransactionalMessageUtil). */
const SCHEDULE_TOPIC = 'SCHEDULE_TOPIC_XXXX';
const HALF_TOPIC = 'RMQ_SYS_TRANS_HALF_TOPIC';
const HALF_GROUP = 'CID_RMQ_SYS_TRANS';

const isSystemTopic = (topic: string): boolean => topic === SCHEDULE_TOPIC || topic === HALF_TOPIC;

/**
 * What a cluster still has to do, in words; empty when every message is consumed or dead. Asked of brokers and consumers as
 * an administrator would, so it sees listeners, transports and consumers of other processes and languages alike.
 *
 * A message moves between its waiting places and its topic while they are looked at one after another. Moving is storing it
 * anew: when the commit logs grew meanwhile, nothing is certain and that is the answer.
 */
export async function findUnfinished(admin: Admin): Promise<readonly string[]> {
  const before = await admin.brokers.runtimeInfo();
  const masters = await admin.cluster.brokerMembers();
  const [groups, ...waiting] = await Promise.all([
    unconsumed(admin),
    ...before.items.map(({ table }) => inTimer(table)),
    ...before.items.map((broker) => delayed(admin, broker, broker.table)),
    ...masters.map((broker) => undecided(admin, broker)),
  ]);
  const found = [...groups, ...waiting.flat()];
  if (found.length > 0) return found;
  const after = await admin.brokers.runtimeInfo();
  const end = (brokers: typeof before): string =>
    brokers.items.map(({ address, commitLogMaxOffset }) => `${address}=${commitLogMaxOffset}`).join();
  return end(before) === end(after) ? [] : ['messages are being stored'];
}

/** Messages that wait for the group that subscribes to them; without members a group waits for nothing. */
async function unconsumed(admin: Admin): Promise<string[]> {
  const { items: groups } = await admin.groups.list();
  const lines = groups.map(async (group) => {
    const members = await admin.clients.consumers(group);
    if (members.members.length === 0) return [];
    const positions = await positionsOf(admin, group, members);
    const topics = Object.keys(members.subscriptionTable).filter((topic) => !isSystemTopic(topic));
    const lags = await Promise.all(topics.map((topic) => lagIn(admin, topic, positions)));
    return topics.flatMap((topic, index) =>
      lags[index] === 0 ? [] : [`group ${group} has not consumed ${lags[index]} of topic ${topic}`],
    );
  });
  return (await Promise.all(lines)).flat();
}

type PositionOf = (queue: MessageQueue) => Promise<number>;

/** Where a group is in a queue: what it committed to the broker, or when it is BROADCASTING, what the last of its members says. */
async function positionsOf(admin: Admin, group: string, members: ConsumerGroupMembers): Promise<PositionOf> {
  if (members.messageModel !== 'BROADCASTING') {
    return async (queue) => (await admin.offsets.committed(group, queue)) ?? 0;
  }
  const infos = await Promise.all(members.members.map(({ clientId }) => admin.clients.runningInfo(group, clientId)));
  return async ({ topic, brokerName, queueId }) => {
    const known = infos.map(({ mqTable }) => {
      const row = mqTable.find(
        ({ queue }) => queue.topic === topic && queue.brokerName === brokerName && queue.queueId === queueId,
      );
      return row?.commitOffset ?? 0;
    });
    return Math.max(0, Math.min(...known));
  };
}

async function lagIn(admin: Admin, topic: string, positionOf: PositionOf): Promise<number> {
  const route = await admin.topics.route(topic);
  const queues = (route?.queueDatas ?? []).flatMap(({ brokerName, readQueueNums }) =>
    Array.from({ length: readQueueNums }, (_, queueId): MessageQueue => ({ topic, brokerName, queueId })),
  );
  const lags = await Promise.all(
    queues.map(async (queue) => {
      const end = await admin.offsets.max(queue);
      return end === 0 ? 0 : Math.max(0, end - (await positionOf(queue)));
    }),
  );
  return lags.reduce((sum, lag) => sum + lag, 0);
}

type RuntimeTable = Readonly<Record<string, string>>;

/** Messages with a delay of their own, and those that were just sent with one. */
function inTimer(table: RuntimeTable): string[] {
  const count = Number(table['timerCongestNum'] ?? 0) + Number(table['timerOffsetBehind'] ?? 0);
  return count > 0 ? [`${count} messages wait for the time they are due`] : [];
}

/** Messages with a delay level, retries among them. The broker says how far it delivered the levels that it used. */
async function delayed(admin: Admin, { brokerName, address }: BrokerMember, table: RuntimeTable): Promise<string[]> {
  const levels = Array.from({ length: 18 }, (_, queueId) => queueId);
  const counts = await Promise.all(
    levels.map(async (queueId) => {
      const end = await admin.instance.api.maxOffset(address, { topic: SCHEDULE_TOPIC, brokerName, queueId });
      const delivered = Number.parseInt(table[`scheduleMessageOffset_${queueId + 1}`] ?? '0', 10);
      return Math.max(0, end - delivered);
    }),
  );
  return counts.flatMap((count, queueId) =>
    count === 0 ? [] : [`${count} messages wait in delay level ${queueId + 1}`],
  );
}

/** Transactions that are neither committed nor rolled back, as far as the broker's last check went. */
async function undecided(admin: Admin, { brokerName, address }: BrokerMember): Promise<string[]> {
  const queue = { topic: HALF_TOPIC, brokerName, queueId: 0 };
  const end = await admin.instance.api.maxOffset(address, queue);
  if (end === 0) return [];
  const fields = { consumerGroup: HALF_GROUP, topic: HALF_TOPIC, queueId: 0, setZeroIfNotFound: false };
  const passed = (await admin.instance.api.consumerOffset(address, fields)) ?? 0;
  return end > passed ? [`${end - passed} transactions are undecided, or not seen by the broker's check yet`] : [];
}
