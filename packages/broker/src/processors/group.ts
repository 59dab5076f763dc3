import {
  encodeConsumeStats,
  encodeSubscriptionGroupConfig,
  encodeSubscriptionGroupWrapper,
  encodeTopicList,
  groupProblem,
  parseSubscriptionGroupConfig,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { answer, ok, type ProcessorRow, parseBody, refuse, row } from './row.js';

/** Consumer groups: create, change, delete, list, how far they are (`AdminBrokerProcessor`). */
export function groupProcessors(context: BrokerContext): readonly ProcessorRow[] {
  const { options, groups, topics, offsets, consumers, store } = context;
  return [
    row(Requests.updateAndCreateSubscriptiongroup, async (_fields, request) => {
      const group = parseBody(request, Requests.updateAndCreateSubscriptiongroup, parseSubscriptionGroupConfig);
      const wrong = groupProblem(group.groupName);
      if (wrong !== null) return refuse(request, ResponseCode.INVALID_PARAMETER, wrong);
      groups.update(group);
      await groups.file.save();
      return ok(request);
    }),

    row(Requests.deleteSubscriptiongroup, async ({ groupName, cleanOffset }, request) => {
      groups.delete(groupName);
      if (cleanOffset) offsets.removeGroup(groupName);
      await Promise.all([groups.file.save(), offsets.file.save()]);
      return ok(request);
    }),

    row(Requests.getSubscriptiongroupConfig, ({ group }, request) => {
      const config = groups.find(group);
      return config === undefined
        ? refuse(request, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, 'No group in this broker')
        : ok(request, encodeSubscriptionGroupConfig(config));
    }),

    row(Requests.getAllSubscriptiongroupConfig, (_fields, request) =>
      answer(
        request,
        Requests.getAllSubscriptiongroupConfig,
        { totalGroupNum: groups.all.size },
        encodeSubscriptionGroupWrapper(groups.wrapper),
      ),
    ),

    row(Requests.queryTopicsByConsumer, ({ group }, request) =>
      ok(request, encodeTopicList({ topicList: offsets.topicsOf(group), brokerAddr: context.address })),
    ),

    row(Requests.getConsumeStats, async ({ consumerGroup, topic, topicList }, request) => {
      const offsetTable = [];
      for (const name of topicsToCount(consumerGroup, topic, topicList)) {
        for (let queueId = 0; queueId < (topics.get(name)?.readQueueNums ?? 0); queueId++) {
          const consumerOffset = Math.max(0, offsets.query(consumerGroup, name, queueId));
          offsetTable.push({
            queue: { topic: name, brokerName: options.brokerName, queueId },
            brokerOffset: Math.max(0, store.maxOffset(name, queueId)),
            consumerOffset,
            pullOffset: Math.max(consumerOffset, offsets.queryPulled(consumerGroup, name, queueId)),
            lastTimestamp: Math.max(
              0,
              consumerOffset > 0 ? await store.storeTimestampAt(name, queueId, consumerOffset - 1) : 0,
            ),
          });
        }
      }
      return ok(request, encodeConsumeStats({ offsetTable }));
    }),
  ];

  /** Topics named by the request, else those the group has committed and still subscribes. */
  function topicsToCount(group: string, topic: string | undefined, list: string | undefined): string[] {
    const listed = list?.split(';').filter((name) => name !== '') ?? [];
    if (listed.length > 0) return listed;
    const candidates = topic === undefined || topic.trim() === '' ? offsets.topicsOf(group) : [topic];
    const connected = (consumers.group(group)?.subscriptions.size ?? 0) > 0;
    return candidates.filter((name) => !connected || consumers.subscription(group, name) !== undefined);
  }
}
