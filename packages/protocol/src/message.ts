import type { Host } from './host.js';

/** A message as a producer makes it. Java: `Message`. */
export interface Message {
  topic: string;
  body: Buffer;
  /** Free for the application; RocketMQ only carries it. */
  flag?: number;
  properties: Record<string, string>;
}

/** A message as it is stored and consumed. Java: `MessageExt`. */
export interface MessageExt extends Message {
  flag: number;
  queueId: number;
  /** Position in its queue. */
  queueOffset: number;
  /** Position in the broker's commit log, in bytes. */
  commitLogOffset: number;
  /** Bytes in the commit log. */
  storeSize: number;
  bodyCrc: number;
  /** Bits of `MessageSysFlag`. */
  sysFlag: number;
  /** When the producer made it, milliseconds since 1970. */
  bornTimestamp: number;
  bornHost: Host;
  /** When the broker stored it, milliseconds since 1970. */
  storeTimestamp: number;
  storeHost: Host;
  /** How often its consumption failed before. */
  reconsumeTimes: number;
  /** Commit log offset of the half message. */
  preparedTransactionOffset: number;
  /** The producer's id (property UNIQ_KEY), else `offsetMsgId`. */
  msgId: string;
  /** Where it is stored, as an id. */
  offsetMsgId: string;
  /** The broker it came from; set by the client. */
  brokerName?: string;
}
