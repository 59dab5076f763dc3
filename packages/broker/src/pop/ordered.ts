import { ResponseCode } from '@rocketnest/protocol';
import { queueKey } from './names.js';
import { OrderAck } from './order-table.js';
import type { PopParts } from './parts.js';

/** A message that was popped in order. */
export interface OrderedMessage {
  readonly topic: string;
  readonly group: string;
  readonly queueId: number;
  readonly offset: number;
  readonly popTime: number;
}

/** Why an acknowledgement is refused. */
export interface Refusal {
  readonly code: number;
  readonly remark: string;
}

/**
 * Acknowledges a message that was popped in order: the consumer offset follows at once, and the queue may become free
 * (`AckMessageProcessor.ackOrderly`). What is below the offset was acknowledged before.
 */
export function acknowledgeInOrder(
  parts: PopParts,
  message: OrderedMessage,
  invisibleTime: number,
  remoteAddress: string,
): Promise<Refusal | undefined> {
  const { context, locks, order, inflight, pops } = parts;
  const { topic, group, queueId, offset, popTime } = message;
  const key = queueKey(topic, group, queueId);
  return locks.run(key, () => {
    const consumed = context.offsets.query(group, topic, queueId);
    if (offset < consumed) return undefined;
    const next = order.acknowledge(topic, group, queueId, offset, popTime);
    if (next === OrderAck.ILLEGAL) {
      return {
        code: ResponseCode.MESSAGE_ILLEGAL,
        remark: `offset is illegal, key:${key}, old:${consumed}, commit:${offset}, next:${next}, ${remoteAddress}`,
      };
    }
    if (next >= 0) {
      if (!context.offsets.hasReset(group, topic, queueId)) context.offsets.commit(group, topic, queueId, next);
      // The pops run when the lock is free again.
      if (!order.isBlocked(undefined, topic, group, queueId, invisibleTime)) pops.wake(topic, group, queueId);
    }
    inflight.finished(key, popTime, 1);
    return undefined;
  });
}

/**
 * Lets a message that was popped in order become visible at another moment.
 * @returns that moment, ms since 1970; undefined when the message was acknowledged before
 */
export function moveVisibilityInOrder(
  parts: PopParts,
  message: OrderedMessage,
  invisibleTime: number,
): Promise<number | undefined> {
  const { context, locks, order } = parts;
  const { topic, group, queueId, offset, popTime } = message;
  return locks.run(queueKey(topic, group, queueId), () => {
    if (offset < context.offsets.query(group, topic, queueId)) return undefined;
    const at = context.clock.now() + invisibleTime;
    order.setVisibleAt(topic, group, queueId, offset, popTime, at);
    return at;
  });
}
