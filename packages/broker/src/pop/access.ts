import {
  isReadable,
  type RemotingCommand,
  ResponseCode,
  type SubscriptionGroupConfig,
  type TopicConfig,
} from '@rocketnest/protocol';
import type { Connection } from '@rocketnest/remoting';
import type { BrokerContext } from '../context.js';
import { FAQ_HINT, refuse } from '../processors/row.js';

export interface Access {
  readonly topic: TopicConfig;
  readonly group: SubscriptionGroupConfig;
}

interface Target {
  readonly topic: string;
  readonly consumerGroup: string;
  /** Below 0: all queues. */
  readonly queueId: number;
}

/** Whether a group may read a topic: both, or the refusal. The same for POP, PEEK, NOTIFICATION and POLLING_INFO. */
export function accessOf(
  context: BrokerContext,
  target: Target,
  request: RemotingCommand,
  connection: Connection,
  verb = 'peeking',
): Access | RemotingCommand {
  const { options, topics, groups } = context;
  if (!isReadable(options.brokerPermission)) {
    return refuse(request, ResponseCode.NO_PERMISSION, `the broker[${options.brokerIP1}] ${verb} message is forbidden`);
  }
  const topic = topics.get(target.topic);
  if (topic === undefined) return noTopic(request, target.topic);
  if (!isReadable(topic.perm)) {
    return refuse(request, ResponseCode.NO_PERMISSION, `the topic[${target.topic}] peeking message is forbidden`);
  }
  if (target.queueId >= topic.readQueueNums) {
    return noQueue(request, ResponseCode.INVALID_PARAMETER, target, topic, connection);
  }
  const group = groups.find(target.consumerGroup);
  if (group === undefined) {
    return refuse(
      request,
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      `subscription group [${target.consumerGroup}] does not exist, ${FAQ_HINT}`,
    );
  }
  if (!group.consumeEnable) {
    return refuse(request, ResponseCode.NO_PERMISSION, `subscription group no permission, ${target.consumerGroup}`);
  }
  return { topic, group };
}

/** The refusal of a request about one popped message whose topic or queue does not exist. */
export function missingQueue(
  context: BrokerContext,
  target: Target,
  request: RemotingCommand,
  connection: Connection,
): RemotingCommand | undefined {
  const topic = context.topics.get(target.topic);
  if (topic === undefined) return noTopic(request, target.topic);
  const exists = target.queueId >= 0 && target.queueId < topic.readQueueNums;
  return exists ? undefined : noQueue(request, ResponseCode.MESSAGE_ILLEGAL, target, topic, connection);
}

const noTopic = (request: RemotingCommand, topic: string): RemotingCommand =>
  refuse(request, ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist, apply first please! ${FAQ_HINT}`);

const noQueue = (
  request: RemotingCommand,
  code: number,
  { topic, queueId }: Target,
  { readQueueNums }: TopicConfig,
  { remoteAddress }: Connection,
): RemotingCommand =>
  refuse(
    request,
    code,
    `queueId[${queueId}] is illegal, topic:[${topic}] topicConfig.readQueueNums:[${readQueueNums}] consumer:[${remoteAddress}]`,
  );

/** True for what {@link accessOf} answers when it refuses. */
export const isRefusal = (result: Access | RemotingCommand): result is RemotingCommand => 'opaque' in result;
