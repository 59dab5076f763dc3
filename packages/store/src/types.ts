import type { Host } from '@rocketnest/protocol';

/** Four-method logger; structurally the same as the one of the other packages. Silent by default. */
export interface StoreLogger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

const nothing = (): void => {};
export const silentStoreLogger: StoreLogger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Source of the wall clock, in ms since 1970. Injected so that tests own the time. */
export interface StoreClock {
  now(): number;
}

/** One message of a client batch (`SEND_BATCH_MESSAGE`): only what differs inside the batch. */
export interface StoreBatchItem {
  flag: number;
  body: Buffer;
  /** Encoded properties, as in the stored layout. */
  propertiesData: Buffer;
}

/**
 * A message to store. The store keeps `properties` and `body` only until the message has been dispatched; the caller must not
 * change them before `done`.
 *
 * An inner batch (`sysFlag` with INNER_BATCH, property INNER_NUM = how many messages the body holds) is one message that takes
 * INNER_NUM offsets; only topics of type BatchCQ take it. The store adds the property INNER_BASE, its first offset, to `properties`.
 */
export interface StoreMessage {
  topic: string;
  queueId: number;
  body: Buffer;
  flag: number;
  properties: Record<string, string>;
  /** `properties` in their encoded form; derived when absent. */
  propertiesData?: Buffer | undefined;
  sysFlag: number;
  bornTimestamp: number;
  bornHost: Host;
  storeHost: Host;
  reconsumeTimes: number;
  preparedTransactionOffset: number;
  /** Java `String.hashCode` of the TAGS property; derived when absent. */
  tagsCode?: number | undefined;
  /** A client batch: N messages, one put, one result. `body`, `flag` and `properties` of the outer message are then ignored. */
  batch?: readonly StoreBatchItem[] | undefined;
  /** `false`: under SYNC_FLUSH, `done` comes after the write and does not wait for the disk. Default true. */
  waitStoreOk?: boolean | undefined;
}

/** Outcome of a put. Java: `PutMessageStatus`. */
export const PutStatus = {
  PUT_OK: 'PUT_OK',
  FLUSH_DISK_TIMEOUT: 'FLUSH_DISK_TIMEOUT',
  FLUSH_SLAVE_TIMEOUT: 'FLUSH_SLAVE_TIMEOUT',
  SLAVE_NOT_AVAILABLE: 'SLAVE_NOT_AVAILABLE',
  SERVICE_NOT_AVAILABLE: 'SERVICE_NOT_AVAILABLE',
  CREATE_MAPPED_FILE_FAILED: 'CREATE_MAPPED_FILE_FAILED',
  MESSAGE_ILLEGAL: 'MESSAGE_ILLEGAL',
  PROPERTIES_SIZE_EXCEEDED: 'PROPERTIES_SIZE_EXCEEDED',
  OS_PAGE_CACHE_BUSY: 'OS_PAGE_CACHE_BUSY',
  WHEEL_TIMER_NOT_ENABLE: 'WHEEL_TIMER_NOT_ENABLE',
  WHEEL_TIMER_MSG_ILLEGAL: 'WHEEL_TIMER_MSG_ILLEGAL',
  WHEEL_TIMER_FLOW_CONTROL: 'WHEEL_TIMER_FLOW_CONTROL',
  UNKNOWN_ERROR: 'UNKNOWN_ERROR',
} as const;
export type PutStatus = (typeof PutStatus)[keyof typeof PutStatus];

/** Result of a put. Java: `PutMessageResult` with its `AppendMessageResult`. Offsets are -1 when nothing was written. */
export interface PutResult {
  readonly status: PutStatus;
  /** Where the (first) message starts in the commit log. */
  readonly commitLogOffset: number;
  /** Offset of the (first) message in its consume queue. Java: `logicsOffset`. */
  readonly queueOffset: number;
  /** Offset message id: hex of store host and commit log offset; for a batch one per message, joined by commas. */
  readonly msgIds: string;
  readonly storeTimestamp: number;
  /** Bytes written, all messages of a batch together. */
  readonly bytes: number;
  /** Offsets taken: 1, the messages of a batch, or INNER_NUM of an inner batch. */
  readonly messageCount: number;
}

export type PutCallback = (result: PutResult) => void;

/** Outcome of a get. Java: `GetMessageStatus`. */
export const GetStatus = {
  FOUND: 'FOUND',
  NO_MATCHED_MESSAGE: 'NO_MATCHED_MESSAGE',
  MESSAGE_WAS_REMOVING: 'MESSAGE_WAS_REMOVING',
  OFFSET_FOUND_NULL: 'OFFSET_FOUND_NULL',
  OFFSET_OVERFLOW_BADLY: 'OFFSET_OVERFLOW_BADLY',
  OFFSET_OVERFLOW_ONE: 'OFFSET_OVERFLOW_ONE',
  OFFSET_TOO_SMALL: 'OFFSET_TOO_SMALL',
  NO_MATCHED_LOGIC_QUEUE: 'NO_MATCHED_LOGIC_QUEUE',
  NO_MESSAGE_IN_QUEUE: 'NO_MESSAGE_IN_QUEUE',
} as const;
export type GetStatus = (typeof GetStatus)[keyof typeof GetStatus];

/** Result of a get. Java: `GetMessageResult`. */
export interface GetResult {
  readonly status: GetStatus;
  /**
   * The raw stored messages, one behind the other: in as few buffers as they are found in. Slices of memory that nobody writes to again:
   * valid for as long as they are referenced, but each keeps the block it was cut from alive, so send them or copy them, do not
   * collect them.
   */
  readonly pieces: Buffer[];
  /** The same, one raw stored message each; made when it is asked for. */
  readonly buffers: Buffer[];
  /** Messages, those of inner batches counted one by one: can be more than buffers. */
  readonly messageCount: number;
  readonly bytes: number;
  readonly nextBeginOffset: number;
  readonly minOffset: number;
  readonly maxOffset: number;
}

/** Decides which messages a get returns. Java: `MessageFilter`. */
export interface MessageFilter {
  /** First test, on the consume queue entry alone. */
  matchesConsumeQueue(tagsCode: number): boolean;
  /** Second test, on the stored message; `properties` decodes on first call. */
  matchesCommitLog?(message: Buffer, properties: () => Record<string, string>): boolean;
}

/**
 * How a topic's consume queues count. `SimpleCQ`: an entry per message. `BatchCQ`: an entry per stored message, which may be an inner
 * batch of many. Java: `CQType`; the topic attribute `queue.type`.
 */
export type QueueType = 'SimpleCQ' | 'BatchCQ';

/** Which of several messages, or of none, at a time is meant. Java: `BoundaryType`. */
export type Boundary = 'LOWER' | 'UPPER';

/** One entry of a consume queue. */
export interface ConsumeQueueEntry {
  commitLogOffset: number;
  size: number;
  /** Hash of the tags; in SCHEDULE_TOPIC_XXXX the time the message is due, in ms. */
  tagsCode: number;
  /** Of the first message, when the entry stands for an inner batch. */
  queueOffset: number;
  /** 1, or the messages of an inner batch. */
  messageCount: number;
}

/** Called once per message, in log order, after it became readable. `maxOffset` is exclusive. */
export type MessageArrivedListener = (
  topic: string,
  queueId: number,
  maxOffset: number,
  tagsCode: number,
  storeTimestamp: number,
  properties: () => Record<string, string>,
) => void;
