import {
  CLIENT_INNER_PRODUCER_GROUP,
  encodeProperties,
  type MessageExt,
  PropertyName,
  Requests,
  ResponseCode,
  retryTopic,
} from '@rocketnest/protocol';
import { compressBody, ZLIB_SYS_FLAG } from '../compression.js';
import type { ClientInstance } from '../instance.js';
import { isLogicQueue } from '../logic-queues.js';
import type { MessageQueue } from '../message-queue.js';
import type { BrokerLink } from './broker-link.js';

/** Resent bodies from this size on are compressed, as Java's producer does by default. */
const COMPRESS_FROM_BYTES = 4096;
const COMPRESSION_LEVEL = 5;
/** Java: TopicValidator.AUTO_CREATE_TOPIC_KEY_TOPIC and DefaultMQProducer.defaultTopicQueueNums. */
const CREATE_TOPIC_KEY = 'TBW102';
const CREATE_TOPIC_QUEUES = 4;
/** Delay level of a resent message's first retry: 10 s with the broker's default levels. */
const FIRST_RETRY_DELAY_LEVEL = 3;
/** Queues that a resend tries, as many as Java's producer does. */
const RESEND_ATTEMPTS = 3;
/** The property of a dead letter that says why it was given up. */
export const DEAD_LETTER_REASON = 'ROCKETNEST_DLQ_REASON';
/** All properties of a message together must stay below 32 KiB. */
const MAX_REASON_LENGTH = 1_000;
// biome-ignore lint/suspicious/noControlCharactersInRegex: two of them separate properties
const CONTROL_CHARACTERS = /[\x00-\x1f]+/g;
/** Asks CONSUMER_SEND_MSG_BACK for the dead letter queue. */
const DEAD_LETTER_LEVEL = -1;

/** The message was stored, whatever was asked about its durability. */
const STORED: readonly number[] = [
  ResponseCode.SUCCESS,
  ResponseCode.FLUSH_DISK_TIMEOUT,
  ResponseCode.FLUSH_SLAVE_TIMEOUT,
  ResponseCode.SLAVE_NOT_AVAILABLE,
];

/** Gives messages that failed back to brokers. Nothing here rejects: false means "not stored anywhere, keep it". */
export class SendBack {
  private readonly retryTopic: string;

  constructor(
    private readonly instance: ClientInstance,
    private readonly brokers: BrokerLink,
    private readonly group: string,
    /** Deliveries after the first one, as brokers are told. */
    private readonly maxReconsumeTimes: number,
  ) {
    this.retryTopic = retryTopic(group);
  }

  /**
   * Has the message delivered again later, or moved to %DLQ%group when its deliveries are used up. The broker that stores it
   * does that without its body crossing the wire; if it cannot, the message is sent anew. Java: DefaultMQPushConsumerImpl.sendMessageBack.
   * @param delayLevel 1..18; 0: the broker's choice
   */
  retry(message: MessageExt, queue: MessageQueue, delayLevel: number): Promise<boolean> {
    return this.handBack(message, queue, delayLevel);
  }

  /**
   * Moves the message to %DLQ%group at once.
   * @param reason has the message sent anew, since brokers move what they have stored, unchanged
   */
  giveUp(message: MessageExt, queue: MessageQueue, reason?: string): Promise<boolean> {
    if (reason !== undefined) return this.giveUpCounted(message, reason);
    return this.handBack(message, queue, DEAD_LETTER_LEVEL);
  }

  /**
   * The same for ordered consumption, whose deliveries only this client has counted: the message is sent with its count, which
   * the broker finds used up. Java: ConsumeMessageOrderlyService.sendMessageBack.
   */
  giveUpCounted(message: MessageExt, reason?: string): Promise<boolean> {
    return this.resend(message, true, reason);
  }

  private async handBack(message: MessageExt, queue: MessageQueue, delayLevel: number): Promise<boolean> {
    // A message of a logic queue may lie in another broker than the queue's leader, which knows it not.
    if (isLogicQueue(queue)) return this.resend(message, delayLevel < 0);
    try {
      await this.brokers.sendBack(message, queue, delayLevel, this.maxReconsumeTimes);
      return true;
    } catch (error) {
      this.instance.logger.warn('a message could not be handed back to its broker; it is sent again instead', {
        ...this.describe(message),
        error,
      });
      return this.resend(message, delayLevel < 0);
    }
  }

  private async resend(message: MessageExt, giveUp: boolean, reason?: string): Promise<boolean> {
    try {
      await this.trySend(message, giveUp, reason);
      return true;
    } catch (error) {
      this.instance.logger.error(
        'a failed message could not be stored for its retry; it is kept here and tried again',
        {
          ...this.describe(message),
          error,
        },
      );
      return false;
    }
  }

  private async trySend(message: MessageExt, giveUp: boolean, reason: string | undefined): Promise<void> {
    const route = await this.instance.routes.find(this.retryTopic);
    const queues = route.publishQueues;
    const compressed = message.body.length >= COMPRESS_FROM_BYTES;
    const body = compressed ? await compressBody(message.body, COMPRESSION_LEVEL) : message.body;
    let failure: unknown = this.instance.routes.noRoute(this.retryTopic);
    const start = Math.floor(Math.random() * queues.length);
    for (let attempt = 0; attempt < Math.min(RESEND_ATTEMPTS, queues.length); attempt++) {
      const queue = queues[(start + attempt) % queues.length]!;
      const broker = this.instance.findBrokerAddress(queue, { onlyMaster: true });
      if (broker === undefined) continue;
      const fields = {
        ...this.retryFields(message, giveUp, reason),
        queueId: queue.queueId,
        sysFlag: compressed ? ZLIB_SYS_FLAG : 0,
        bname: queue.brokerName,
      };
      try {
        await this.instance.api.call(broker.address, Requests.sendMessageV2, fields, { body, accept: STORED });
        return;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  private retryFields(message: MessageExt, giveUp: boolean, reason: string | undefined) {
    const { properties, reconsumeTimes } = message;
    const kept: Record<string, string> = {
      ...properties,
      [PropertyName.ORIGIN_MESSAGE_ID]: properties[PropertyName.ORIGIN_MESSAGE_ID] ?? message.msgId,
      [PropertyName.RETRY_TOPIC]: this.instance.namespace.wrapTopic(message.topic),
      [PropertyName.DELAY]: String(FIRST_RETRY_DELAY_LEVEL + reconsumeTimes),
    };
    delete kept[PropertyName.TRANSACTION_PREPARED];
    delete kept[PropertyName.CONSUME_START_TIMESTAMP];
    // A receipt of this delivery would be taken for one of the next.
    delete kept[PropertyName.POP_CK];
    if (reason) kept[DEAD_LETTER_REASON] = reason.replace(CONTROL_CHARACTERS, ' ').slice(0, MAX_REASON_LENGTH);
    return {
      producerGroup: CLIENT_INNER_PRODUCER_GROUP,
      topic: this.retryTopic,
      defaultTopic: CREATE_TOPIC_KEY,
      defaultTopicQueueNums: CREATE_TOPIC_QUEUES,
      bornTimestamp: Date.now(),
      flag: message.flag ?? 0,
      properties: encodeProperties(kept),
      reconsumeTimes: reconsumeTimes + 1,
      // The broker compares the two: one delivery too many is how a send asks for the dead letter queue.
      maxReconsumeTimes: giveUp ? Math.min(reconsumeTimes, this.maxReconsumeTimes) : this.maxReconsumeTimes,
      unitMode: this.instance.options.unitMode,
      batch: false,
    };
  }

  private describe(message: MessageExt): object {
    const { topic, msgId, brokerName, queueId, queueOffset, reconsumeTimes } = message;
    return { group: this.group, topic, msgId, brokerName, queueId, queueOffset, reconsumeTimes };
  }
}
