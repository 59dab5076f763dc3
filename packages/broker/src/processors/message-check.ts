import {
  isNotAllowedSendTopic,
  isWriteable,
  PermName,
  RETRY_GROUP_PREFIX,
  type RequestFields,
  type Requests,
  ResponseCode,
  type TopicConfig,
  TopicSysFlag,
  topicProblem,
} from '@rocketnest/protocol';
import type { Connection } from '@rocketnest/remoting';
import type { BrokerContext } from '../context.js';
import { FAQ_HINT } from './row.js';

export type SendFields = RequestFields<typeof Requests.sendMessage>;

/** A refusal on the way: response code and remark. */
export class Refusal {
  constructor(
    readonly code: number,
    readonly remark: string,
  ) {}
}

/**
 * What every request that brings a message is checked for (`AbstractSendMessageProcessor.msgCheck`).
 * @returns the topic to send to; created when this is the first send and that is allowed
 */
export function checkSend(context: BrokerContext, fields: SendFields, connection: Connection): TopicConfig | Refusal {
  const { options, topics, clock } = context;
  const { topic: name, queueId } = fields;
  if (options.startAcceptSendRequestTimeStamp > 0 && options.startAcceptSendRequestTimeStamp > clock.now()) {
    const until = new Date(options.startAcceptSendRequestTimeStamp).toISOString();
    return new Refusal(ResponseCode.SYSTEM_ERROR, `broker unable to service, until ${until}`);
  }
  if (!isWriteable(options.brokerPermission) && topics.isOrder(name)) {
    return new Refusal(ResponseCode.NO_PERMISSION, `the broker[${options.brokerIP1}] sending message is forbidden`);
  }
  let topic = topics.get(name);
  if (topic === undefined) {
    const wrong = topicProblem(name);
    if (wrong !== null) return new Refusal(ResponseCode.INVALID_PARAMETER, wrong);
  }
  if (isNotAllowedSendTopic(name)) {
    return new Refusal(ResponseCode.NO_PERMISSION, `Sending message to topic[${name}] is forbidden.`);
  }
  topic ??= createTopic(context, fields, connection);
  if (topic === undefined) {
    return new Refusal(ResponseCode.TOPIC_NOT_EXIST, `topic[${name}] not exist, apply first please!${FAQ_HINT}`);
  }
  if (queueId >= Math.max(topic.writeQueueNums, topic.readQueueNums) || (queueId < 0 && topic.writeQueueNums <= 0)) {
    return new Refusal(
      ResponseCode.INVALID_PARAMETER,
      `request queueId[${queueId}] is illegal, ${describe(topic)} Producer: ${connection.remoteAddress}`,
    );
  }
  return topic;
}

/** The queue asked for; some queue of the topic when the sender leaves the choice to the broker (`queueId` -1). */
export const queueFor = (fields: SendFields, topic: TopicConfig): number =>
  fields.queueId < 0 ? Math.floor(Math.random() * topic.writeQueueNums) : fields.queueId;

function createTopic(context: BrokerContext, fields: SendFields, connection: Connection): TopicConfig | undefined {
  const { topics } = context;
  const isRetry = fields.topic.startsWith(RETRY_GROUP_PREFIX);
  const sysFlag = fields.unitMode === true ? (isRetry ? TopicSysFlag.UNIT_SUB : TopicSysFlag.UNIT) : 0;
  const { topic, defaultTopic, defaultTopicQueueNums } = fields;
  const created = topics.createForSend(topic, defaultTopic, defaultTopicQueueNums, sysFlag, connection.remoteAddress);
  if (created !== undefined || !isRetry) return created;
  return topics.createInternal(topic, 1, PermName.READ | PermName.WRITE, sysFlag);
}

const describe = (topic: TopicConfig): string =>
  `TopicConfig [topicName=${topic.topicName}, readQueueNums=${topic.readQueueNums}, ` +
  `writeQueueNums=${topic.writeQueueNums}, perm=${topic.perm}]`;
