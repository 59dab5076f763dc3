import {
  createResponse,
  decodeBatchBody,
  decodeFields,
  decodeProperties,
  encodeProperties,
  isOneway,
  MessageSysFlag,
  PropertyName,
  parseRetryGroup,
  RETRY_GROUP_PREFIX,
  type RemotingCommand,
  Requests,
  ResponseCode,
  type TopicConfig,
  UniqueIdGenerator,
} from '@rocketnest/protocol';
import type { Connection, Processor } from '@rocketnest/remoting';
import { isTimed, type PutResult, type StoreMessage } from '@rocketnest/store';
import type { BrokerContext } from '../context.js';
import type { BrokerOptions } from '../options.js';
import { delayLevelOf } from '../put.js';
import { moveToDeadLetters } from '../retry.js';
import { SendGate } from '../send-gate.js';
import { writtenOffset } from '../static-topic/mapping.js';
import { notLeader } from '../static-topic/static-topics.js';
import { checkSend, queueFor, Refusal, type SendFields } from './message-check.js';
import { bodyOf, FAQ_HINT, type ProcessorRow } from './row.js';
import { remarkOf, sendOutcomes } from './send-result.js';

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

/** The hot path: no promise, one object for the message, one for the answer. */
function createSend(context: BrokerContext) {
  const { options, topics, clock, stats } = context;
  let fixed = fixedParts(options);
  context.liveOptions.onChange(() => {
    fixed = fixedParts(options);
  });
  const gate = new SendGate(options);
  const uniqueIds = new UniqueIdGenerator({ address: '0.0.0.0', pid: process.pid, instance: clock.now() | 0 });

  return (sent: SendFields, request: Request, connection: Connection): RemotingCommand | undefined => {
    const logic = context.staticTopics.queueToSendTo(sent);
    if (logic !== undefined && logic.leader === undefined) {
      return createResponse(request, ResponseCode.NOT_LEADER_FOR_QUEUE, notLeader(logic), { ...fixed.common });
    }
    const fields = logic?.leader === undefined ? sent : { ...sent, queueId: logic.leader.queueId };
    const message = prepare(fields, request, connection);
    if (message instanceof Refusal) {
      return createResponse(request, message.code, message.remark, { ...fixed.common });
    }
    const { queueId } = message;
    const uniqueId = message.properties[PropertyName.UNIQ_KEY];
    const isInnerBatch = (message.sysFlag & MessageSysFlag.INNER_BATCH) !== 0;
    const bytes = message.body.length;
    gate.begin(bytes);
    context.putMessage(message, (result, tookMs) => {
      gate.done(bytes);
      // The message says where it went: a delayed one is in the schedule topic now.
      if (fixed.outcomes[result.status].stored) {
        stats.put(message.topic, message.queueId, result.messageCount, result.bytes, tookMs);
      }
      const recallHandle = context.timers.recallHandle(message);
      if (logic?.leader === undefined) {
        answer(request, connection, result, queueId, result.queueOffset, uniqueId, isInnerBatch, recallHandle);
      } else {
        const queueOffset = writtenOffset(logic.leader, result.queueOffset);
        answer(request, connection, result, logic.queueId, queueOffset, uniqueId, isInnerBatch, recallHandle);
      }
    });
    return undefined;
  };

  function prepare(fields: SendFields, request: Request, connection: Connection): StoreMessage | Refusal {
    const busy = gate.refusal();
    if (busy !== undefined) return new Refusal(ResponseCode.SYSTEM_BUSY, busy);
    const topic = checkSend(context, fields, connection);
    if (topic instanceof Refusal) return topic;
    if (request.body === null) return new Refusal(ResponseCode.MESSAGE_ILLEGAL, 'the message has no body');
    const queueId = queueFor(fields, topic);
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
    return fields.batch === true ? asBatch(message, topic) : asSingle(message, fields, topic, request);
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

  /**
   * A client batch is stored message by message, each with the properties the client gave it. In a topic with batch consume
   * queues it is one message, which the consumer unwraps.
   */
  function asBatch(message: StoreMessage, topic: TopicConfig): StoreMessage | Refusal {
    if (message.topic.startsWith(RETRY_GROUP_PREFIX)) {
      return new Refusal(ResponseCode.MESSAGE_ILLEGAL, `batch request does not support retry group ${message.topic}`);
    }
    const { properties } = message;
    const entries = decodeBatchBody(message.body);
    if (!topics.isBatchQueue(topic.topicName) || properties[PropertyName.UNIQ_KEY] === undefined) {
      message.batch = entries;
      return message;
    }
    Object.assign(properties, fixed.properties, { [PropertyName.INNER_NUM]: String(entries.length) });
    delete properties[PropertyName.POP_CK];
    message.sysFlag |= MessageSysFlag.NEED_UNWRAP | MessageSysFlag.INNER_BATCH;
    return message;
  }

  /**
   * Adds region, trace switch and cluster, and a unique id if there is none. Usually the sender's text stays as it is and the
   * rest is appended; only when it already has one of these names is it written anew.
   */
  function addProperties(message: StoreMessage, text: string): void {
    const { properties } = message;
    const rewrite = hasReserved(properties);
    const { MSG_REGION, TRACE_ON, CLUSTER } = fixed.properties;
    properties[PropertyName.MSG_REGION] = MSG_REGION;
    properties[PropertyName.TRACE_SWITCH] = TRACE_ON;
    properties[PropertyName.CLUSTER] = CLUSTER;
    if (rewrite) delete properties[PropertyName.POP_CK];
    let added = fixed.text;
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
    const group = parseRetryGroup(fields.topic);
    const settings = context.groups.find(group);
    if (settings === undefined) {
      return new Refusal(
        ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
        `subscription group not exist, ${group} ${FAQ_HINT}`,
      );
    }
    const limit = maxReconsumeTimes(request, fields.maxReconsumeTimes, settings.retryMaxTimes);
    // A held queue lock means an orderly consumer gave the message up: it must not come back later.
    if (message.reconsumeTimes > limit || !context.queueLocks.noneHeld(group)) {
      moveToDeadLetters(context, message, group);
      // Java marks these so, and dead letters of CONSUMER_SEND_MSG_BACK with 0.
      message.properties[PropertyName.DELAY] = '-1';
    }
    return undefined;
  }

  function answer(
    request: Request,
    connection: Connection,
    result: PutResult,
    queueId: number,
    queueOffset: number,
    uniqueId: string | undefined,
    isInnerBatch: boolean,
    recallHandle: string | undefined,
  ): void {
    const outcome = fixed.outcomes[result.status];
    if (isOneway(request)) return;
    // Literals: copying the object that has the first two costs more than all the rest of the answer.
    const { MSG_REGION, TRACE_ON } = fixed.common;
    let fields: Record<string, string> = { MSG_REGION, TRACE_ON };
    if (outcome.stored) {
      const msgId = result.msgIds;
      const id = String(queueId);
      const offset = String(queueOffset);
      fields =
        uniqueId === undefined
          ? { MSG_REGION, TRACE_ON, msgId, queueId: id, queueOffset: offset }
          : { MSG_REGION, TRACE_ON, msgId, queueId: id, queueOffset: offset, transactionId: uniqueId };
      if (isInnerBatch) fields['batchUniqId'] = uniqueId!;
      if (recallHandle !== undefined) fields['recallHandle'] = recallHandle;
    }
    const response = createResponse(request, outcome.code, remarkOf(outcome, result.status, context.store), fields);
    // The first message of a new topic is acknowledged only when the topic itself is on disk.
    if (topics.file.saved) connection.respond(response);
    else topics.saved(() => connection.respond(response));
  }
}

/** What all messages and answers have in common while the options do not change. */
function fixedParts(options: BrokerOptions) {
  const common = {
    [PropertyName.MSG_REGION]: options.regionId,
    [PropertyName.TRACE_SWITCH]: String(options.traceOn),
  };
  /** Properties that the broker puts into every message. */
  const properties = { ...common, [PropertyName.CLUSTER]: options.brokerClusterName };
  return {
    common,
    properties,
    text: encodeProperties(properties),
    outcomes: sendOutcomes(options),
  };
}

/** Properties that a sender cannot choose, or not alone. Asked for every message: no loop over their names. */
const hasReserved = (properties: Readonly<Record<string, string>>): boolean =>
  properties[PropertyName.MSG_REGION] !== undefined ||
  properties[PropertyName.TRACE_SWITCH] !== undefined ||
  properties[PropertyName.CLUSTER] !== undefined ||
  properties[PropertyName.POP_CK] !== undefined ||
  properties[PropertyName.PRIORITY] !== undefined;

/** Clients of 3.4.9 and later say how often a message may be consumed. */
export function maxReconsumeTimes(request: RemotingCommand, given: number | undefined, groupLimit: number): number {
  return request.version >= V3_4_9 && given !== undefined ? given : groupLimit;
}

/** Ordinal of `MQVersion.Version.V3_4_9`. */
const V3_4_9 = 121;

const isTrue = (text: string | undefined): boolean => text === 'true' || text?.toLowerCase() === 'true';
