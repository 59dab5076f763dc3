import {
  type ConsumeStats,
  encodeConsumeStats,
  encodeConsumeStatsList,
  encodeQueryConsumeTimeSpanBody,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { ok, type ProcessorRow, refuse, row } from './row.js';

/** How far groups are (`AdminBrokerProcessor.getConsumeStats`, `fetchAllConsumeStatsInBroker`, `queryConsumeTimeSpan`). */
export function consumeStatsProcessors(context: BrokerContext): readonly ProcessorRow[] {
  const { options, groups, topics, offsets, consumers, store, stats, clock } = context;
  return [
    row(Requests.getConsumeStats, async ({ consumerGroup, topic, topicList }, request) => {
      const offsetTable: ConsumeStats['offsetTable'] = [];
      let consumeTps = 0;
      for (const name of topicsToCount(consumerGroup, topic, topicList)) {
        consumeTps += getTps(consumerGroup, name);
        offsetTable.push(...(await lag(consumerGroup, name, topics.get(name)?.readQueueNums ?? 0)));
      }
      return ok(request, encodeConsumeStats({ offsetTable, consumeTps }));
    }),

    row(Requests.getBrokerConsumeStats, async ({ isOrder }, request) => {
      const consumeStatsList: Record<string, ConsumeStats[]>[] = [];
      let totalDiff = 0;
      let totalInflightDiff = 0;
      for (const group of groups.all.keys()) {
        const ofGroup: ConsumeStats[] = [];
        for (const name of subscribed(group, offsets.topicsOf(group))) {
          const topic = topics.get(name);
          if (topic === undefined || (isOrder && !topic.order)) continue;
          const offsetTable = await lag(group, name, topic.writeQueueNums);
          for (const queue of offsetTable) {
            totalDiff += queue.brokerOffset - queue.consumerOffset;
            totalInflightDiff += queue.pullOffset - queue.consumerOffset;
          }
          ofGroup.push({ offsetTable, consumeTps: getTps(group, name) });
        }
        consumeStatsList.push({ [group]: ofGroup });
      }
      return ok(
        request,
        encodeConsumeStatsList({ brokerAddr: context.address, consumeStatsList, totalDiff, totalInflightDiff }),
      );
    }),

    row(Requests.queryConsumeTimeSpan, async ({ topic: name, group }, request) => {
      const topic = topics.get(name);
      if (topic === undefined) return refuse(request, ResponseCode.TOPIC_NOT_EXIST, `topic[${name}] not exist`);
      const queueIds = [...Array(topic.writeQueueNums).keys()];
      const consumeTimeSpanSet = await Promise.all(queueIds.map((queueId) => timeSpan(group, name, queueId)));
      return ok(request, encodeQueryConsumeTimeSpanBody({ consumeTimeSpanSet }));
    }),
  ];

  /** Messages per second that a group read of a topic in the last minute. */
  function getTps(group: string, topic: string): number {
    return stats.snapshot('GROUP_GET_NUMS', `${topic}@${group}`).tps;
  }

  /** Topics named by the request, else those the group has committed and still subscribes. */
  function topicsToCount(group: string, topic: string | undefined, list: string | undefined): string[] {
    const listed = list?.split(';').filter((name) => name !== '') ?? [];
    if (listed.length > 0) return listed;
    return subscribed(group, topic === undefined || topic.trim() === '' ? offsets.topicsOf(group) : [topic]);
  }

  /** Leaves out what a connected group does not subscribe any more. */
  function subscribed(group: string, names: readonly string[]): string[] {
    const connected = (consumers.group(group)?.subscriptions.size ?? 0) > 0;
    return names.filter((name) => !connected || consumers.subscription(group, name) !== undefined);
  }

  async function lag(group: string, topic: string, queues: number): Promise<ConsumeStats['offsetTable']> {
    const rows: ConsumeStats['offsetTable'] = [];
    // Static topics: −1 tells the admin to look for the group's offset in the other parts of the logic queue.
    const least = context.staticTopics.table.get(topic) === undefined ? 0 : -1;
    for (let queueId = 0; queueId < queues; queueId++) {
      const consumerOffset = Math.max(least, offsets.query(group, topic, queueId));
      const lastTimestamp = consumerOffset > 0 ? await store.storeTimestampAt(topic, queueId, consumerOffset - 1) : 0;
      rows.push({
        queue: { topic, brokerName: options.brokerName, queueId },
        brokerOffset: Math.max(0, store.maxOffset(topic, queueId)),
        consumerOffset,
        pullOffset: Math.max(consumerOffset, offsets.queryPulled(group, topic, queueId)),
        lastTimestamp: Math.max(0, lastTimestamp),
      });
    }
    return rows;
  }

  /** Times of a queue's first, last and last consumed message, and how long the next one waits; -1 where there is none. */
  async function timeSpan(group: string, topic: string, queueId: number) {
    const max = store.maxOffset(topic, queueId);
    const consumed = offsets.query(group, topic, queueId);
    const minTimeStamp = await store.earliestMessageTime(topic, queueId);
    // Java takes offset -1 as it is for a group that never committed, and answers a delay since 1970.
    const next = Math.max(consumed, store.minOffset(topic, queueId));
    return {
      messageQueue: { topic, brokerName: options.brokerName, queueId },
      minTimeStamp,
      maxTimeStamp: await store.storeTimestampAt(topic, queueId, max - 1),
      consumeTimeStamp: consumed > 0 ? await store.storeTimestampAt(topic, queueId, consumed - 1) : minTimeStamp,
      delayTime: next < max ? clock.now() - (await store.storeTimestampAt(topic, queueId, next)) : 0,
    };
  }
}
