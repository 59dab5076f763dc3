import type { ArgumentsHost } from '@nestjs/common';
import { BaseRpcContext } from '@nestjs/microservices';
import type { MessageExt, MessageQueue } from '@rocketnest/client';
import { DEAD_LETTER_REASON, dlqTopic, PropertyName } from '@rocketnest/client';

/** `ExecutionContext.getType()` in listeners. Handlers of ServerRocketMQ have Nest's own type, `'rpc'`. */
export const ROCKETMQ_CONTEXT_TYPE = 'rocketmq';

/** For `context.getType<RocketMQContextType>()`. */
export type RocketMQContextType = typeof ROCKETMQ_CONTEXT_TYPE;

/** How a message came here. */
export interface Delivery {
  readonly connection: string;
  /** Consumer group; for a transaction check, the producer group. */
  readonly group: string;
  /** The queue it was pulled from; absent in a transaction check. */
  readonly queue?: MessageQueue;
  /** Whether the messages of its queue come one after the other. */
  readonly orderly?: boolean;
}

/** Where a dead letter comes from, and why it is one. */
export interface DeadLetterInfo {
  /** The group that gave it up. */
  readonly group: string;
  /** The topic it was sent to, when the broker kept it. */
  readonly topic: string | undefined;
  /** The id it had for that group. */
  readonly messageId: string;
  /** What the last handler said or threw. Consumers other than RocketNest's say nothing. */
  readonly reason: string | undefined;
}

/** The message behind a handler's payload, with short ways to its parts. */
export class RocketMQContext extends BaseRpcContext<[MessageExt, Delivery]> {
  /** Everything the broker delivered: body bytes, properties, offsets, times. */
  getMessage(): MessageExt {
    return this.args[0];
  }

  /** The topic the message was sent to, also when it is delivered again from the group's retry topic. */
  getTopic(): string {
    return this.getMessage().topic;
  }

  getTag(): string | undefined {
    return this.getMessage().properties[PropertyName.TAGS] || undefined;
  }

  getKeys(): string[] {
    return (this.getMessage().properties[PropertyName.KEYS] ?? '').split(' ').filter((key) => key !== '');
  }

  /** User properties: all but the ones RocketMQ keeps for itself. */
  getHeaders(): Record<string, string> {
    return Object.fromEntries(
      Object.entries(this.getMessage().properties).filter(([key]) => !SYSTEM_PROPERTIES.has(key)),
    );
  }

  getHeader(name: string): string | undefined {
    const { properties } = this.getMessage();
    return !SYSTEM_PROPERTIES.has(name) && Object.hasOwn(properties, name) ? properties[name] : undefined;
  }

  /** The id the producer gave the message. It stays the same over retries. */
  getMessageId(): string {
    return this.getMessage().msgId;
  }

  /** How often the message has been delivered before: 0 the first time. */
  getReconsumeTimes(): number {
    return this.getMessage().reconsumeTimes;
  }

  /** Set for messages of a dead letter topic. */
  getDeadLetter(): DeadLetterInfo | undefined {
    const { topic, properties, msgId } = this.getMessage();
    if (!topic.startsWith(DLQ_PREFIX)) return undefined;
    return {
      group: topic.slice(DLQ_PREFIX.length),
      topic: properties[PropertyName.DLQ_ORIGIN_TOPIC] ?? properties[PropertyName.RETRY_TOPIC],
      messageId: properties[PropertyName.DLQ_ORIGIN_MESSAGE_ID] ?? msgId,
      reason: properties[DEAD_LETTER_REASON],
    };
  }

  getQueue(): MessageQueue | undefined {
    return this.args[1].queue;
  }

  getConsumerGroup(): string {
    return this.args[1].group;
  }

  /** Whether the messages of its queue are handled one after the other (`consumeMode: 'ORDERLY'`). */
  isOrderly(): boolean {
    return this.args[1].orderly === true;
  }

  /** Name of the connection it came through; `'default'` unless `forRoot({ name })` said otherwise. */
  getConnection(): string {
    return this.args[1].connection;
  }
}

const DLQ_PREFIX = dlqTopic('');

/** Property names of Java's MessageConst: RocketMQ's own, not headers. */
export const SYSTEM_PROPERTIES: ReadonlySet<string> = new Set(Object.values(PropertyName));

/**
 * True when a guard, interceptor, pipe or filter runs for a RocketMQ message, be it in a listener or in ServerRocketMQ.
 * For enhancers that are shared with HTTP: `if (isRocketMQContext(context)) return true;`
 */
export function isRocketMQContext(host: ArgumentsHost): boolean {
  return host.getType<string>() === ROCKETMQ_CONTEXT_TYPE || host.getArgByIndex(1) instanceof RocketMQContext;
}
