import type { Host } from '@rocketnest/protocol';
import type { Connection, Logger } from '@rocketnest/remoting';
import type { MessageStore, PutResult, PutStatus, StoreMessage } from '@rocketnest/store';
import type { Clock } from './clock.js';
import type { ConsumerTable } from './consumers.js';
import type { ConsumerFilterTable } from './filter/consumer-filters.js';
import type { GroupTable } from './groups.js';
import type { Jobs } from './jobs.js';
import type { LiveOptions } from './live-options.js';
import type { OffsetTable } from './offsets.js';
import type { BrokerOptions } from './options.js';
import type { ProcessorRow } from './processors/row.js';
import type { ProducerTable } from './producers.js';
import type { PullHold } from './pull-hold.js';
import type { QueueLocks } from './queue-locks.js';
import type { Registration } from './registration.js';
import type { StaticTopics } from './static-topic/static-topics.js';
import type { BrokerStats } from './stats.js';
import type { TopicTable } from './topics.js';

/** What the delay levels do for the rest of the broker; see `delay/`. */
export interface Delays {
  /** Turns a message with a delay level into one for the schedule topic, in place. */
  divert(message: StoreMessage, level: number): void;
  /** The schedule queue of a level has a new message. */
  arrived(queueId: number): void;
  /** How far each level is delivered, as `config/delayOffset.json` has it. */
  encodeOffsets(): string;
  /** Rows for GET_BROKER_RUNTIME_INFO. */
  runtimeInfo(): Record<string, string>;
}

/** What messages with a time of their own do for the rest of the broker; see `timer/`. */
export interface Timers {
  /** Turns a message that is due later into one for the timer topic, in place. A status when it must be refused. */
  divert(message: StoreMessage): PutStatus | null;
  /** The timer topic has a new message. */
  arrived(): void;
  /** With what the sender can take a diverted message back; undefined for other messages. */
  recallHandle(message: StoreMessage): string | undefined;
  /** The body of GET_TIMER_CHECK_POINT; null when there are no timers. */
  readonly checkpoint: Buffer | null;
  /** The body of GET_TIMER_METRICS; null when there are no timers. */
  readonly metrics: string | null;
  /** How far entering timer messages, and delivering them, lag behind. */
  readonly enqueueBehindMillis: number;
  readonly dequeueBehindMillis: number;
  /** Nothing is counted for this topic any more. */
  topicDeleted(topic: string): void;
  /** Rows for GET_BROKER_RUNTIME_INFO. */
  runtimeInfo(): Record<string, string>;
}

/** What transactions do for the rest of the broker; see `transaction/`. */
export interface Transactions {
  /** Half offsets whose END_TRANSACTION is being carried out: the check-back leaves them alone. */
  readonly ending: Set<number>;
  /** Turns a prepared message into a half message, in place; the caller stores it. */
  prepare(message: StoreMessage): void;
  /** Records that a half message was committed or rolled back. */
  finish(halfOffset: number): void;
}

/** What pop does for the rest of the broker; see `pop/`. */
export interface Pops {
  readonly processors: readonly ProcessorRow[];
  /** A message was stored; `maxOffset` is the end of its queue. */
  arrived(
    topic: string,
    queueId: number,
    maxOffset: number,
    tagsCode: number,
    properties: () => Record<string, string>,
  ): void;
  /** The client on the connection leaves the group: its held pops are answered with nothing. */
  left(group: string, connection: Connection): void;
  /** Nothing is counted for them any more. */
  topicDeleted(topic: string): void;
  groupDeleted(group: string): void;
}

/**
 * What the processors and services of one broker share. `broker.ts` builds it; everybody else only reads it.
 * There is exactly one per {@link Broker}, so several brokers live in one process without meeting.
 */
export interface BrokerContext {
  /** The current values. They change while the broker runs: read them when they are needed, keep none. */
  readonly options: BrokerOptions;
  /** Changes them, and tells those who must act on a change. */
  readonly liveOptions: LiveOptions;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Repeating work; stopped by the broker before it closes its services. */
  readonly jobs: Jobs;

  readonly store: MessageStore;
  readonly topics: TopicTable;
  /** Topics with logic queues, which may lie in several brokers; most topics are none of them. */
  readonly staticTopics: StaticTopics;
  readonly groups: GroupTable;
  readonly offsets: OffsetTable;
  readonly producers: ProducerTable;
  readonly consumers: ConsumerTable;
  /** SQL92 filters of consumer groups. */
  readonly filters: ConsumerFilterTable;
  readonly queueLocks: QueueLocks;
  /** Requests that wait for a client or a disk right now, to refuse more than the options allow. */
  readonly underWay: { replies: number; pulls: number };
  readonly pullHold: PullHold;
  readonly stats: BrokerStats;
  readonly registration: Registration;
  readonly delay: Delays;
  readonly timers: Timers;
  readonly transactions: Transactions;
  readonly pop: Pops;

  /** `brokerIP1:port` as clients see it; the port is real after start. */
  readonly address: string;
  /** The same as a host: written into stored messages and offset message ids. */
  readonly storeHost: Host;

  /** The file `<storePathRootDir>/config/<name>`. */
  configFile(name: string): string;

  /**
   * Stores a message after the rules that hold for every writer (`HookUtils`): size of topic and body, and the detour of
   * delayed messages through the schedule topic. Processors and services write through this, never through the store.
   * `done` is called once, maybe before this returns; the message belongs to the store from here on.
   */
  putMessage(message: StoreMessage, done: (result: PutResult, tookMs: number) => void): void;
}
