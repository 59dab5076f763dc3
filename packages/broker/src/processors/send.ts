import {
  createResponse,
  decodeBatchBody,
  decodeFields,
  decodeProperties,
  encodeProperties,
  isNotAllowedSendTopic,
  isOneway,
  isWriteable,
  MessageSysFlag,
  PermName,
  PropertyName,
  RETRY_GROUP_PREFIX,
  type RemotingCommand,
  type RequestFields,
  Requests,
  ResponseCode,
  type TopicConfig,
  TopicSysFlag,
  topicProblem,
  UniqueIdGenerator,
} from '@rocketnest/protocol';
import type { Connection, Processor } from '@rocketnest/remoting';
import type { PutResult, StoreMessage } from '@rocketnest/store';
import type { BrokerContext } from '../context.js';
import { delayLevelOf } from '../put.js';
import { moveToDeadLetters } from '../retry.js';
import { bodyOf, FAQ_HINT, type ProcessorRow } from './row.js';
import { sendOutcomes } from './send-result.js';

type SendFields = RequestFields<typeof Requests.sendMessage>;
type Request = Parameters<Processor>[0];

/** SEND_MESSAGE in its three forms (`SendMessageProcessor`, `AbstractSendMessageProcessor.msgCheck`). */
export function sendProcessors(context: BrokerContext): readonly ProcessorRow[] {
  const send = createSend(context);
  return [Requests.sendMessage, Requests.sendMessageV2, Requests.sendBatchMessage].map((definition) => [
    definition.code,
    (request, connection) =>
      send(decodeFields(definition.fields, request.extFields, definition.name), request, connection),
  ]);
}

/** A refusal on the way: response code and remark. */
class Refusal {
  constructor(
    readonly code: number,
    readonly remark: string,
  ) {}
}

/** The hot path: no promise, one object for the message, one for the answer. */
function createSend(context: BrokerContext) {
  const { options, topics, clock, stats } = context;
  const outcomes = sendOutcomes(options);
  const common = {
    [PropertyName.MSG_REGION]: options.regionId,
    [PropertyName.TRACE_SWITCH]: String(options.traceOn),
  };
  const addedByBroker = { ...common, [PropertyName.CLUSTER]: options.brokerClusterName };
  const addedText = encodeProperties(addedByBroker);
  const reserved = [...Object.keys(addedByBroker), PropertyName.POP_CK, PropertyName.PRIORITY];
  const uniqueIds = new UniqueIdGenerator({ address: '0.0.0.0', pid: process.pid, instance: clock.now() | 0 });

  return (fields: SendFields, request: Request, connection: Connection): RemotingCommand | undefined => {
    const message = prepare(fields, request, connection);
    if (message instanceof Refusal) {
      return createResponse(request, message.code, message.remark, { ...common });
    }
    const { queueId } = message;
    const uniqueId = message.batch === undefined ? message.properties[PropertyName.UNIQ_KEY] : undefined;
    context.putMessage(message, (result) => answer(request, connection, result, queueId, uniqueId));
    return undefined;
  };

  function prepare(fields: SendFields, request: Request, connection: Connection): StoreMessage | Refusal {
    if (options.startAcceptSendRequestTimeStamp > clock.now()) {
      const until = new Date(options.startAcceptSendRequestTimeStamp).toISOString();
      return new Refusal(ResponseCode.SYSTEM_ERROR, `broker unable to service, until ${until}`);
    }
    const topic = topicFor(fields, connection);
    if (topic instanceof Refusal) return topic;
    const queueId = fields.queueId < 0 ? randomQueue(topic.writeQueueNums) : fields.queueId;
    const properties = decodeProperties(fields.properties ?? '');
    const message: StoreMessage = {
      topic: fields.topic,
      queueId,
      body: bodyOf(request),
      flag: fields.flag,
      properties,
      sysFlag: topic.topicFilterType === 'MULTI_TAG' ? fields.sysFlag | MessageSysFlag.MULTI_TAGS : fields.sysFlag,
      bornTimestamp: fields.bornTimestamp,
      bornHost: connection.remoteHost,
      storeHost: context.storeHost,
      reconsumeTimes: fields.reconsumeTimes ?? 0,
      preparedTransactionOffset: 0,
    };
    if (properties[PropertyName.WAIT_STORE_MSG_OK] !== undefined) {
      message.waitStoreOk = isTrue(properties[PropertyName.WAIT_STORE_MSG_OK]);
    }
    return fields.batch === true ? asBatch(message) : asSingle(message, fields, topic, request);
  }

  /** The topic to send to; created when this is the first send and that is allowed (`msgCheck`). */
  function topicFor(fields: SendFields, connection: Connection): TopicConfig | Refusal {
    const { topic: name } = fields;
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
    topic ??= createTopic(fields, connection);
    if (topic === undefined) {
      return new Refusal(ResponseCode.TOPIC_NOT_EXIST, `topic[${name}] not exist, apply first please!${FAQ_HINT}`);
    }
    if (fields.queueId >= Math.max(topic.writeQueueNums, topic.readQueueNums)) {
      return new Refusal(
        ResponseCode.INVALID_PARAMETER,
        `request queueId[${fields.queueId}] is illegal, ${describe(topic)} Producer: ${connection.remoteAddress}`,
      );
    }
    return topic;
  }

  function createTopic(fields: SendFields, connection: Connection): TopicConfig | undefined {
    const isRetry = fields.topic.startsWith(RETRY_GROUP_PREFIX);
    const sysFlag = fields.unitMode === true ? (isRetry ? TopicSysFlag.UNIT_SUB : TopicSysFlag.UNIT) : 0;
    const { topic, defaultTopic, defaultTopicQueueNums } = fields;
    const created = topics.createForSend(topic, defaultTopic, defaultTopicQueueNums, sysFlag, connection.remoteAddress);
    if (created !== undefined || !isRetry) return created;
    return topics.createInternal(topic, 1, PermName.READ | PermName.WRITE, sysFlag);
  }

  function asSingle(
    message: StoreMessage,
    fields: SendFields,
    topic: TopicConfig,
    request: Request,
  ): StoreMessage | Refusal {
    const { properties } = message;
    addProperties(message, fields.properties ?? '');
    applyPriority(message, topic);
    if (fields.topic.startsWith(RETRY_GROUP_PREFIX)) {
      const refusal = applyRetryLimit(message, fields, request);
      if (refusal !== undefined) return refusal;
    }
    if (topic.attributes?.['cleanup.policy'] === 'COMPACTION' && !properties[PropertyName.KEYS]) {
      return new Refusal(ResponseCode.MESSAGE_ILLEGAL, 'Required message key is missing');
    }
    if (isTimed(properties) && delayLevelOf(message) <= 0) {
      return new Refusal(
        ResponseCode.SYSTEM_ERROR,
        'accurate timer message is not enabled, timerWheelEnable is false: use a delay level',
      );
    }
    // A retried message of clients before 4.6.1 still carries the flag of the transaction that it came from.
    const retried = message.reconsumeTimes > 0 && delayLevelOf(message) > 0;
    if (isTrue(properties[PropertyName.TRANSACTION_PREPARED]) && !retried) {
      if (options.rejectTransactionMessage) {
        return new Refusal(
          ResponseCode.NO_PERMISSION,
          `the broker[${options.brokerIP1}] sending transaction message is forbidden`,
        );
      }
      context.transactions.prepare(message);
    }
    return message;
  }

  /** A client batch is stored message by message, each with the properties the client gave it. */
  function asBatch(message: StoreMessage): StoreMessage | Refusal {
    if (message.topic.startsWith(RETRY_GROUP_PREFIX)) {
      return new Refusal(ResponseCode.MESSAGE_ILLEGAL, `batch request does not support retry group ${message.topic}`);
    }
    message.batch = decodeBatchBody(message.body);
    return message;
  }

  /**
   * Adds region, trace switch and cluster, and a unique id if there is none. Usually the sender's text stays as it is and the
   * rest is appended; only when it already has one of these names is it written anew.
   */
  function addProperties(message: StoreMessage, text: string): void {
    const { properties } = message;
    const rewrite = reserved.some((name) => properties[name] !== undefined);
    Object.assign(properties, addedByBroker);
    if (rewrite) delete properties[PropertyName.POP_CK];
    let added = addedText;
    if (!properties[PropertyName.UNIQ_KEY]) {
      const uniqueId = uniqueIds.next();
      properties[PropertyName.UNIQ_KEY] = uniqueId;
      added += encodeProperties({ [PropertyName.UNIQ_KEY]: uniqueId });
    }
    if (rewrite) return;
    const separated = text === '' || text.endsWith('\u0002') ? text : `${text}\u0002`;
    message.propertiesData = Buffer.from(separated + added);
  }

  /** Priority picks the queue, unless the message is of a kind that has its own rules. */
  function applyPriority(message: StoreMessage, topic: TopicConfig): void {
    const { properties } = message;
    const text = properties[PropertyName.PRIORITY];
    if (text === undefined) return;
    const priority = /^\d+$/.test(text) ? Number(text) : -1;
    if (priority < 0) return;
    const exclusive = properties[PropertyName.SHARDING_KEY] !== undefined || isTimed(properties);
    if (
      exclusive ||
      properties[PropertyName.DELAY] !== undefined ||
      isTrue(properties[PropertyName.TRANSACTION_PREPARED])
    ) {
      delete properties[PropertyName.PRIORITY];
    } else {
      message.queueId = Math.min(priority, topic.writeQueueNums - 1);
    }
  }

  /** A message sent to a retry topic that was consumed too often goes to the dead letters (`handleRetryAndDLQ`). */
  function applyRetryLimit(message: StoreMessage, fields: SendFields, request: Request): Refusal | undefined {
    const group = fields.topic.slice(RETRY_GROUP_PREFIX.length);
    const settings = context.groups.find(group);
    if (settings === undefined) {
      return new Refusal(
        ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
        `subscription group not exist, ${group} ${FAQ_HINT}`,
      );
    }
    const limit = maxReconsumeTimes(request, fields.maxReconsumeTimes, settings.retryMaxTimes);
    // A held queue lock means an orderly consumer gave the message up: it must not come back later.
    if (message.reconsumeTimes > limit || !context.queueLocks.noneHeld(group))
      moveToDeadLetters(context, message, group);
    return undefined;
  }

  function answer(
    request: Request,
    connection: Connection,
    result: PutResult,
    queueId: number,
    uniqueId: string | undefined,
  ): void {
    const outcome = outcomes[result.status];
    if (outcome.stored) {
      stats.totals.putMessages += result.messageCount;
      stats.totals.putBytes += result.bytes;
    } else {
      stats.totals.putFailures += 1;
    }
    if (isOneway(request)) return;
    const fields: Record<string, string> = {
      MSG_REGION: options.regionId,
      TRACE_ON: common[PropertyName.TRACE_SWITCH],
    };
    if (outcome.stored) {
      fields['msgId'] = result.msgIds;
      fields['queueId'] = String(queueId);
      fields['queueOffset'] = String(result.queueOffset);
      if (uniqueId !== undefined) fields['transactionId'] = uniqueId;
    }
    const response = createResponse(request, outcome.code, outcome.remark, fields);
    // The first message of a new topic is acknowledged only when the topic itself is on disk.
    if (topics.file.saved) connection.respond(response);
    else topics.saved(() => connection.respond(response));
  }
}

/** Clients of 3.4.9 and later say how often a message may be consumed. */
export function maxReconsumeTimes(request: RemotingCommand, given: number | undefined, groupLimit: number): number {
  return request.version >= V3_4_9 && given !== undefined ? given : groupLimit;
}

/** Ordinal of `MQVersion.Version.V3_4_9`. */
const V3_4_9 = 121;

const isTrue = (text: string | undefined): boolean => text === 'true' || text?.toLowerCase() === 'true';

const isTimed = (properties: Readonly<Record<string, string>>): boolean =>
  properties[PropertyName.TIMER_DELIVER_MS] !== undefined ||
  properties[PropertyName.TIMER_DELAY_MS] !== undefined ||
  properties[PropertyName.TIMER_DELAY_SEC] !== undefined;

const randomQueue = (queues: number): number => Math.floor(Math.random() * queues);

const describe = (topic: TopicConfig): string =>
  `TopicConfig [topicName=${topic.topicName}, readQueueNums=${topic.readQueueNums}, ` +
  `writeQueueNums=${topic.writeQueueNums}, perm=${topic.perm}]`;
