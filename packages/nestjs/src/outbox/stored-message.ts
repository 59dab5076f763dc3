import { createHash } from 'node:crypto';
import type { OutgoingMessage } from '@rocketnest/client';
import type { SendOptions } from '../send-options.js';

/** What a message says about itself besides topic and body, as JSON in its row. */
export interface StoredMessage {
  readonly tags?: string;
  readonly keys?: string | readonly string[];
  readonly properties?: Readonly<Record<string, string>>;
  readonly delayLevel?: number;
  /** Ms since 1970. */
  readonly deliverAt?: number;
  readonly waitStoreOk?: boolean;
  readonly flag?: number;
  readonly priority?: number;
  readonly shardingKey?: string;
  readonly timeoutMs?: number;
}

/** Options of a send that a row can keep. */
export type OutboxOptions = Pick<
  SendOptions,
  | 'tag'
  | 'keys'
  | 'headers'
  | 'shardingKey'
  | 'delayLevel'
  | 'delay'
  | 'deliverAt'
  | 'timeoutMs'
  | 'waitStoreOk'
  | 'flag'
>;

/** A delay counts from now, however long the row waits. */
export function toStored(message: OutgoingMessage, { shardingKey, timeoutMs }: OutboxOptions): StoredMessage {
  const { tags, keys, properties, delayLevel, delayMs, deliverAt, waitStoreOk, flag, priority } = message;
  const due = delayMs === undefined ? deliverAt : Date.now() + delayMs;
  const stored = {
    ...{ tags, keys, properties, delayLevel, waitStoreOk, flag, priority, shardingKey, timeoutMs },
    deliverAt: due === undefined ? undefined : Number(due),
  };
  return Object.fromEntries(Object.entries(stored).filter(([, value]) => value !== undefined));
}

/** Bytes that a row's lane may have. */
const MAX_LANE_BYTES = 255;

/** What is sent in order: the messages of a sharding key, in each topic. */
export function laneOf(topic: string, shardingKey: string | undefined): string | undefined {
  if (shardingKey === undefined) return undefined;
  const lane = `${topic}|${shardingKey}`;
  if (Buffer.byteLength(lane) <= MAX_LANE_BYTES) return lane;
  return `${topic}|#${createHash('sha256').update(shardingKey).digest('hex')}`;
}
