/**
 * What pop consumption writes into headers and receipts: short texts of fields separated by a blank, groups of them by `;`.
 * Source of truth: `ExtraInfoUtil` (rocketmq-remoting) and `KeyBuilder` (rocketmq-common).
 */

import { ProtocolError } from './errors.js';
import { KEY_SEPARATOR } from './properties.js';
import { isRetryTopic, popRetryTopic, RETRY_GROUP_PREFIX } from './topics.js';

/** The revive queue id that marks an orderly pop: such pops have no check point. Java: `KeyBuilder.POP_ORDER_REVIVE_QUEUE`. */
export const POP_ORDER_REVIVE_QUEUE = 999;

/** Which topic a popped message came from: the topic itself, or its retry topic of either form. */
export const PopTopicKind = { NORMAL: '0', RETRY_V1: '1', RETRY_V2: '2' } as const;
export type PopTopicKind = (typeof PopTopicKind)[keyof typeof PopTopicKind];

/** The kind of a topic by its name. Java: `ExtraInfoUtil.getRetry`. */
export function popTopicKind(topic: string): PopTopicKind {
  if (!isRetryTopic(topic)) return PopTopicKind.NORMAL;
  return topic.includes('+') ? PopTopicKind.RETRY_V2 : PopTopicKind.RETRY_V1;
}

/** The topic a popped message is stored in. @throws ProtocolError for an unknown kind. Java: `ExtraInfoUtil.getRealTopic` */
export function popRealTopic(topic: string, group: string, kind: string): string {
  switch (kind) {
    case PopTopicKind.NORMAL:
      return topic;
    case PopTopicKind.RETRY_V1:
      return popRetryTopic(topic, group, 1);
    case PopTopicKind.RETRY_V2:
      return popRetryTopic(topic, group, 2);
    default:
      throw new ProtocolError(`"${kind}" is no kind of a popped topic: 0 (normal), 1 or 2 (retry)`, {
        context: { topic, kind },
      });
  }
}

/** The topic that a pop retry topic of `group` belongs to; any other topic is its own. Java: `KeyBuilder.parseNormalTopic`. */
export function popNormalTopic(topic: string, group: string): string {
  const prefix = RETRY_GROUP_PREFIX + group;
  return isRetryTopic(topic) && topic.length > prefix.length ? topic.slice(prefix.length + 1) : topic;
}

/** The receipt of a popped message (property POP_CK, field `extraInfo`): what acknowledging it needs. */
export interface PopReceipt {
  /** Queue offset at which the check point begins. */
  readonly startOffset: number;
  /** When the message was popped, ms since 1970. */
  readonly popTime: number;
  /** For how long it stays invisible, ms. */
  readonly invisibleTime: number;
  /** Queue of the revive topic with the check point, or {@link POP_ORDER_REVIVE_QUEUE}. */
  readonly reviveQueueId: number;
  /** Java calls this "retry". */
  readonly kind: string;
  readonly brokerName: string;
  readonly queueId: number;
  /** Queue offset of the message itself; receipts that a client makes from a whole answer may lack it. */
  readonly queueOffset?: number | undefined;
}

/** Java: `ExtraInfoUtil.buildExtraInfo`. */
export function encodePopReceipt(receipt: PopReceipt): string {
  const { startOffset, popTime, invisibleTime, reviveQueueId, kind, brokerName, queueId, queueOffset } = receipt;
  const parts = [startOffset, popTime, invisibleTime, reviveQueueId, kind, brokerName, queueId];
  if (queueOffset !== undefined) parts.push(queueOffset);
  return parts.join(KEY_SEPARATOR);
}

/** @throws ProtocolError naming the field that is missing or no integer. Java: `ExtraInfoUtil.split` and its getters */
export function parsePopReceipt(text: string): PopReceipt {
  const parts = text.split(KEY_SEPARATOR);
  const queueOffset = parts[7];
  return {
    startOffset: integerOf(receiptPart(parts, 0, text, 'startOffset'), text, 'startOffset'),
    popTime: integerOf(receiptPart(parts, 1, text, 'popTime'), text, 'popTime'),
    invisibleTime: integerOf(receiptPart(parts, 2, text, 'invisibleTime'), text, 'invisibleTime'),
    reviveQueueId: integerOf(receiptPart(parts, 3, text, 'reviveQueueId'), text, 'reviveQueueId'),
    kind: receiptPart(parts, 4, text, 'kind'),
    brokerName: receiptPart(parts, 5, text, 'brokerName'),
    queueId: integerOf(receiptPart(parts, 6, text, 'queueId'), text, 'queueId'),
    queueOffset: queueOffset === undefined ? undefined : integerOf(queueOffset, text, 'queueOffset'),
  };
}

function receiptPart(parts: readonly string[], index: number, text: string, name: string): string {
  const part = parts[index];
  if (part === undefined) throw wrongReceipt(text, `${name} is missing`);
  return part;
}

function integerOf(part: string, text: string, name: string): number {
  const value = Number(part);
  if (/^-?\d+$/.test(part) && Number.isSafeInteger(value)) return value;
  throw wrongReceipt(text, `${name} is ${JSON.stringify(part.slice(0, 32))}, expected an integer`);
}

const wrongReceipt = (text: string, problem: string): ProtocolError =>
  new ProtocolError(
    `pop receipt ${JSON.stringify(text.slice(0, 128))}: ${problem}; send the POP_CK property of the message as it came`,
  );

/** Parts of a `;` list. */
export const joinPopInfo = (parts: readonly string[]): string => parts.join(';');

/** `kind queueId startOffset`. Java: `ExtraInfoUtil.buildStartOffsetInfo`. */
export const startOffsetInfo = (topic: string, queueId: number, startOffset: number): string =>
  `${popTopicKind(topic)} ${queueId} ${startOffset}`;

/** `kind queueId offset,offset,…`. Java: `ExtraInfoUtil.buildMsgOffsetInfo`. */
export const messageOffsetInfo = (topic: string, queueId: number, queueOffsets: readonly number[]): string =>
  `${popTopicKind(topic)} ${queueId} ${queueOffsets.join(',')}`;

/** How often every message of a queue was popped before, at least. Java: `ExtraInfoUtil.buildQueueIdOrderCountInfo`. */
export const queueOrderCountInfo = (topic: string, queueId: number, count: number): string =>
  `${popTopicKind(topic)} ${queueId} ${count}`;

/** How often one message was popped before. Java: `ExtraInfoUtil.buildQueueOffsetOrderCountInfo`. */
export const messageOrderCountInfo = (topic: string, queueId: number, queueOffset: number, count: number): string =>
  `${popTopicKind(topic)} qo${queueId}%${queueOffset} ${count}`;

/**
 * Reads `startOffsetInfo` and `orderCountInfo` of an answer: `kind@queueId` (or `kind@qo<queue>%<offset>`) → number.
 * @throws ProtocolError when malformed. Java: `ExtraInfoUtil.parseStartOffsetInfo`, `parseOrderCountInfo`
 */
export function parsePopNumbers(text: string | null | undefined): Map<string, number> {
  return new Map(entriesOf(text).map(([key, value]) => [key, integerOf(value, text ?? '', key)]));
}

/** Reads `msgOffsetInfo`: `kind@queueId` → queue offsets. @throws ProtocolError. Java: `ExtraInfoUtil.parseMsgOffsetInfo` */
export function parsePopOffsets(text: string | null | undefined): Map<string, number[]> {
  return new Map(
    entriesOf(text).map(([key, value]) => [key, value.split(',').map((part) => integerOf(part, text ?? '', key))]),
  );
}

function entriesOf(text: string | null | undefined): [key: string, value: string][] {
  if (text === null || text === undefined || text === '') return [];
  return text.split(';').map((entry) => {
    const [kind, queue, value] = entry.split(KEY_SEPARATOR);
    if (kind === undefined || queue === undefined || value === undefined) {
      throw new ProtocolError(`pop information ${JSON.stringify(text.slice(0, 128))}: expected "kind queue value;…"`);
    }
    return [`${kind}@${queue}`, value];
  });
}
