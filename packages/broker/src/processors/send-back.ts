import {
  decodeMessage,
  isOneway,
  isWriteable,
  type MessageExt,
  PermName,
  PropertyName,
  type RemotingCommand,
  type RequestFields,
  Requests,
  ResponseCode,
  retryTopic,
  SystemTopic,
  TopicSysFlag,
} from '@rocketnest/protocol';
import type { Connection } from '@rocketnest/remoting';
import { copyOfStored, type PutResult, PutStatus, type StoreMessage } from '@rocketnest/store';
import type { BrokerContext } from '../context.js';
import { moveToDeadLetters } from '../retry.js';
import { FAQ_HINT, ok, type ProcessorRow, refuse, row } from './row.js';
import { maxReconsumeTimes } from './send.js';

type Fields = RequestFields<typeof Requests.consumerSendMsgBack>;

/** The first retry waits for this delay level, each further one for the next (`AbstractSendMessageProcessor`). */
const FIRST_RETRY_LEVEL = 3;

/**
 * CONSUMER_SEND_MSG_BACK (`AbstractSendMessageProcessor.consumerSendMsgBack`): a consumer could not handle a message. A copy
 * goes to the group's retry topic, delayed longer each time, and to its dead letters in the end.
 */
export function sendBackProcessors(context: BrokerContext): readonly ProcessorRow[] {
  return [
    row(Requests.consumerSendMsgBack, (fields, request, connection) => sendBack(context, fields, request, connection)),
  ];
}

async function sendBack(
  context: BrokerContext,
  fields: Fields,
  request: RemotingCommand,
  connection: Connection,
): Promise<RemotingCommand | undefined> {
  const { options, groups, topics, store } = context;
  const group = groups.find(fields.group);
  if (group === undefined) {
    return refuse(
      request,
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      `subscription group not exist, ${fields.group} ${FAQ_HINT}`,
    );
  }
  if (!isWriteable(options.brokerPermission)) {
    return refuse(request, ResponseCode.NO_PERMISSION, `the broker[${options.brokerIP1}] sending message is forbidden`);
  }
  // A group without retry queues does not want its failures back.
  if (group.retryQueueNums <= 0) return ok(request);

  const name = retryTopic(fields.group);
  const sysFlag = fields.unitMode ? TopicSysFlag.UNIT_SUB : 0;
  const topic = topics.createInternal(name, group.retryQueueNums, PermName.READ | PermName.WRITE, sysFlag);
  if (!isWriteable(topic.perm)) {
    return refuse(request, ResponseCode.NO_PERMISSION, `the topic[${name}] sending message is forbidden`);
  }
  const stored = await store.messageAt(fields.offset);
  if (stored === null) {
    return refuse(request, ResponseCode.SYSTEM_ERROR, `look message by offset failed, ${fields.offset}`);
  }
  const original = decodeMessage(stored);
  const limit = maxReconsumeTimes(request, fields.maxReconsumeTimes, group.retryMaxTimes);
  const copy = retryOf(original, name, Math.floor(Math.random() * group.retryQueueNums), context);
  const isDead = original.reconsumeTimes >= limit || fields.delayLevel < 0;
  if (isDead) {
    moveToDeadLetters(context, copy, fields.group);
    context.logger.info('message goes to the dead letters', { group: fields.group, msgId: original.msgId });
  } else {
    const level = fields.delayLevel === 0 ? FIRST_RETRY_LEVEL + original.reconsumeTimes : fields.delayLevel;
    copy.properties[PropertyName.DELAY] = String(level);
  }
  context.putMessage(copy, (result) => {
    if (result.status === PutStatus.PUT_OK) count(copy, result);
    if (isOneway(request)) return;
    const response =
      result.status === PutStatus.PUT_OK ? ok(request) : refuse(request, ResponseCode.SYSTEM_ERROR, result.status);
    if (topics.file.saved) connection.respond(response);
    else topics.saved(() => connection.respond(response));
  });
  return undefined;

  function count(copy: StoreMessage, result: PutResult): void {
    const { stats } = context;
    if (copy.topic === SystemTopic.SCHEDULE) stats.put(copy.topic, copy.queueId, 1, result.bytes);
    stats.sentBack(fields.group, original.properties[PropertyName.RETRY_TOPIC] ?? original.topic);
    if (isDead) stats.deadLettered(fields.group, fields.originTopic, request.extFields['Owner']);
  }
}

/** The copy of a message that waits for another attempt; it remembers where it came from. */
function retryOf(original: MessageExt, topic: string, queueId: number, context: BrokerContext): StoreMessage {
  const { properties } = original;
  return {
    ...copyOfStored(original),
    topic,
    queueId,
    properties: {
      ...properties,
      [PropertyName.RETRY_TOPIC]: properties[PropertyName.RETRY_TOPIC] ?? original.topic,
      [PropertyName.ORIGIN_MESSAGE_ID]: properties[PropertyName.ORIGIN_MESSAGE_ID] || original.offsetMsgId,
      [PropertyName.WAIT_STORE_MSG_OK]: 'false',
    },
    storeHost: context.storeHost,
    reconsumeTimes: original.reconsumeTimes + 1,
    waitStoreOk: false,
  };
}
