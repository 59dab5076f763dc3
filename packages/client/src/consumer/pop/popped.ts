import {
  decodeFields,
  decodeMessages,
  encodePopReceipt,
  type MessageExt,
  type PopReceipt,
  PropertyName,
  parsePopNumbers,
  parsePopReceipt,
  popRealTopic,
  popTopicKind,
  type RemotingCommand,
  Requests,
} from '@rocketnest/protocol';
import { bodyOf } from '../../broker-api.js';
import { decompressBody } from '../../compression.js';

/** A message that was popped: ours until `expiresAt`, then anybody's, unless it is acknowledged or its time is extended. */
export interface Popped {
  readonly message: MessageExt;
  /** The topic that was popped, as brokers know it; handlers may see another name in `message.topic`. */
  readonly poppedTopic: string;
  /** Where it is stored: a retried message lies in a retry topic of the group. */
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
  readonly queueOffset: number;
  /** What acknowledging takes; changes when the time is extended. Java: property POP_CK. */
  receipt: string;
  /** By our clock, ms since epoch. */
  expiresAt: number;
  /** The time is being extended: the receipt is about to change. */
  extending?: Promise<void> | undefined;
}

/** What was asked for. */
export interface PopQuestion {
  readonly topic: string;
  readonly group: string;
  readonly brokerName: string;
  readonly ordered: boolean;
}

/**
 * Reads the messages of a POP_MESSAGE answer, each with its receipt (POP_CK) and the topic that was asked for, as listeners of the
 * Java client get them. Java: MQClientAPIImpl.processPopResponse.
 */
export function readPopped(response: RemotingCommand, question: PopQuestion, receivedAt: number): Popped[] {
  const header = decodeFields(Requests.popMessage.response, response.extFields, Requests.popMessage.name);
  const { popTime, invisibleTime, reviveQid: reviveQueueId } = header;
  const { brokerName, group, ordered, topic } = question;
  const starts = parsePopNumbers(header.startOffsetInfo);
  const counts = ordered ? parsePopNumbers(header.orderCountInfo) : NO_COUNTS;
  // What the broker measures from popTime on began before the answer came: by our clock it is not over sooner than this.
  const expiresAt = receivedAt + invisibleTime;
  return decodeMessages(bodyOf(response), { decompress: decompressBody }).map((message) => {
    const { properties, queueId, queueOffset } = message;
    const kind = popTopicKind(message.topic);
    const queue = `${kind}@${queueId}`;
    let startOffset = starts.get(queue);
    if (startOffset === undefined) {
      startOffset = queueOffset;
      starts.set(queue, startOffset);
    }
    // The broker itself writes the receipt of a message it took from the retry topic and gives away under another name.
    const given = properties[PropertyName.POP_CK];
    const receipt: PopReceipt =
      given === undefined
        ? { startOffset, popTime, invisibleTime, reviveQueueId, kind, brokerName, queueId, queueOffset }
        : parsePopReceipt(given);
    const text = given ?? encodePopReceipt(receipt);
    properties[PropertyName.POP_CK] = text;
    properties[PropertyName.FIRST_POP_TIME] ??= String(popTime);
    const attempts = counts.get(`${kind}@qo${queueId}%${queueOffset}`) ?? counts.get(queue) ?? 0;
    if (attempts > 0) message.reconsumeTimes = attempts;
    message.brokerName = brokerName;
    message.topic = topic;
    return {
      message,
      poppedTopic: topic,
      topic: popRealTopic(topic, group, receipt.kind),
      brokerName: receipt.brokerName,
      queueId: receipt.queueId,
      queueOffset: receipt.queueOffset ?? queueOffset,
      receipt: text,
      expiresAt,
    };
  });
}

const NO_COUNTS: ReadonlyMap<string, number> = new Map();
