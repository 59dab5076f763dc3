import type { ProcessQueue } from './process-queue.js';

const MIB = 1024 * 1024;

/** Limits on what one queue may hold for handlers. */
export interface FlowLimits {
  readonly messages: number;
  readonly mib: number;
  /** Offsets between oldest and newest; undefined when order makes it pointless (ORDERLY). */
  readonly span: number | undefined;
}

/**
 * Why the queue must not be pulled now, or null when there is room. Java: the first part of
 * DefaultMQPushConsumerImpl.pullMessage (which asks again every 50 ms; we are told when messages leave).
 */
export function fullness(queue: ProcessQueue, limits: FlowLimits): string | null {
  if (queue.count > limits.messages) return `${queue.count} messages wait for handlers, more than ${limits.messages}`;
  if (queue.bytes > (limits.mib + 1) * MIB - 1) {
    return `${Math.floor(queue.bytes / MIB)} MiB wait for handlers, more than ${limits.mib}`;
  }
  if (limits.span !== undefined && queue.span > limits.span) {
    return `oldest and newest waiting message are ${queue.span} offsets apart, more than ${limits.span}`;
  }
  return null;
}
