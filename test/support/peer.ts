import { waitFor } from '@rocketnest/testing';

/** A message as a test sends it. */
export interface OutMessage {
  readonly topic: string;
  readonly body: Buffer;
  readonly tags?: string;
  readonly keys?: string;
  readonly properties?: Readonly<Record<string, string>>;
  readonly delayLevel?: number;
  /** When it is to be delivered, in ms since 1970 (Java client only). */
  readonly deliverAt?: number;
  /** Messages with the same key go to the same queue (mode `ordered`). */
  readonly shardingKey?: string;
}

export type Outcome = 'COMMIT' | 'ROLLBACK' | 'UNKNOWN';

export interface TransactionalMessage extends OutMessage {
  /** What the local transaction answers. */
  readonly outcome: Outcome;
  /** What a check-back answers. Default: the same. */
  readonly checkOutcome?: Outcome;
}

/** A message as a consumer got it. */
export interface InMessage {
  readonly topic: string;
  readonly body: Buffer;
  readonly tags: string | null;
  readonly keys: string | null;
  /** Properties without RocketMQ's own. */
  readonly userProperties: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly msgId: string;
  readonly bornTimestamp: number;
  readonly receivedTimestamp: number;
  readonly reconsumeTimes: number;
}

export interface Sent {
  readonly status: string;
  readonly msgId: string;
  readonly offsetMsgId: string;
  readonly queueId: number;
  readonly queueOffset: number;
}

export type SendMode = 'sync' | 'async' | 'oneway' | 'batch' | 'ordered';

export interface ConsumeOptions {
  readonly namesrvAddr: string;
  readonly group: string;
  readonly topic: string;
  readonly expression?: string;
  readonly orderly?: boolean;
  readonly broadcast?: boolean;
  /** Fails every message until it was retried so often. */
  readonly failures?: number;
  readonly maxReconsumeTimes?: number;
  /** false: the broker assigns the queues, and says whether they are pulled or popped. */
  readonly clientRebalance?: boolean;
  readonly popInvisibleTimeMs?: number;
  /** Last part of the client id; default: one of its own in this process. */
  readonly instanceName?: string;
  /** How queues are shared; default: AVG. */
  readonly allocate?: 'AVG' | 'AVG_BY_CIRCLE' | 'CONSISTENT_HASH';
  /** Writes message traces. */
  readonly trace?: boolean;
}

export interface ProduceOptions {
  readonly namesrvAddr: string;
  readonly group: string;
  /** Writes message traces. */
  readonly trace?: boolean;
}

/** A running consumer that starts at the first offset and records what it gets. Disposal is a clean shutdown. */
export interface Consumer extends AsyncDisposable {
  readonly received: readonly InMessage[];
}

/** A transaction producer that stays to answer check-backs. */
export interface TransactionRun extends AsyncDisposable {
  /** Messages whose state the broker asked for. */
  readonly checked: readonly InMessage[];
}

/** One implementation of a client. The same test runs with any pair of them. */
export interface Peer {
  readonly name: string;
  send(mode: SendMode, options: ProduceOptions, messages: readonly OutMessage[]): Promise<Sent[]>;
  sendInTransaction(options: ProduceOptions, messages: readonly TransactionalMessage[]): Promise<TransactionRun>;
  consume(options: ConsumeOptions): Promise<Consumer>;
  /** Ends what the peer itself runs, if anything. */
  close(): Promise<void>;
}

/** Waits until the consumer has received so many messages. */
export async function receivedMessages(
  { received }: Consumer,
  count: number,
  timeoutMs = 120_000,
): Promise<readonly InMessage[]> {
  await waitFor(
    () => {
      if (received.length < count) throw new Error(`${received.length} messages`);
      return true;
    },
    { timeoutMs, what: `${count} received messages` },
  );
  return received;
}

export interface Content {
  readonly body: string;
  readonly tags: string | null;
  readonly keys: string | null;
  readonly properties: Readonly<Record<string, string>>;
}

/** What an application sees of a message, in a form that sorts and compares. */
export function sentContent(messages: readonly OutMessage[]): Content[] {
  return sorted(
    messages.map(({ body, tags, keys, properties }) => ({
      body: body.toString('base64'),
      tags: tags ?? null,
      keys: keys ?? null,
      properties: properties ?? {},
    })),
  );
}

export function receivedContent(messages: readonly InMessage[]): Content[] {
  return sorted(
    messages.map(({ body, tags, keys, userProperties }) => ({
      body: body.toString('base64'),
      tags,
      keys,
      properties: userProperties,
    })),
  );
}

function sorted(contents: Content[]): Content[] {
  return contents.sort((a, b) => (a.body < b.body ? -1 : a.body > b.body ? 1 : 0));
}
