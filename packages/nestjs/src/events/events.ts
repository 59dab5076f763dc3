import type { ClientStatus, MessageExt, MessageQueue } from '@rocketnest/client';

interface GroupEvent {
  readonly connection: string;
  readonly group: string;
}

/** A message that its handler did not take. */
export interface RocketMQFailureEvent extends GroupEvent {
  /** `Class.method` of its listener. */
  readonly listener: string;
  readonly message: MessageExt;
  /** What its handler threw, or said, in words. */
  readonly reason: string;
  /** Deliveries so far: 1 the first time. */
  readonly attempt: number;
}

export interface RocketMQQueueEvent extends GroupEvent {
  readonly queue: MessageQueue;
}

export interface RocketMQStatusEvent {
  readonly connection: string;
  readonly status: ClientStatus;
  readonly previous: ClientStatus;
}

/** What `@OnRocketMQEvent` hears of. */
export interface RocketMQEvents {
  /** A message will be delivered again. */
  readonly retry: RocketMQFailureEvent;
  /** A message was given up. */
  readonly 'dead-letter': RocketMQFailureEvent;
  /** A message counts as consumed, but its handler did not want it (`ConsumeResult.discard`), or an exception filter dealt with its failure. */
  readonly discard: RocketMQFailureEvent;
  /** A group of this process got a queue to read. */
  readonly assigned: RocketMQQueueEvent;
  /** A group of this process gave a queue up. */
  readonly revoked: RocketMQQueueEvent;
  /** A connection got to its servers, lost them, or found them again. */
  readonly status: RocketMQStatusEvent;
}

export type RocketMQEventName = keyof RocketMQEvents;

/** Tells who listens. */
export type PublishEvent = <E extends RocketMQEventName>(event: E, about: RocketMQEvents[E]) => void;
