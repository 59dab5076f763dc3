import { isRetryTopic, PropertyName } from '@rocketnest/protocol';
import { type MessageQueue, queueKey } from '../message-queue.js';
import type { PreparedMessage } from './outgoing-message.js';
import type { SendCallback, SendResult } from './send-result.js';

/** Bounds of an accumulation. */
export interface AccumulatorOptions {
  /** Longest a message waits for others, in ms. */
  readonly batchMaxDelayMs: number;
  /** Body bytes at which a batch is sent at once. */
  readonly batchMaxBytes: number;
  /** Body bytes in all batches that wait or are under way; beyond it messages are sent one by one. */
  readonly totalBatchMaxBytes: number;
}

/** What became of one message. */
export type Outcome = SendResult | Error;

/** Sends some messages of one topic as one batch. Resolves to what became of each; rejecting says the same of all. */
export type BatchSender = (
  messages: readonly PreparedMessage[],
  queue: MessageQueue | undefined,
) => Promise<readonly Outcome[]>;

interface Batch {
  readonly messages: PreparedMessage[];
  readonly callbacks: SendCallback[];
  readonly queue: MessageQueue | undefined;
  bytes: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Collects single messages that may share a send: same topic, queue (if one is chosen), tag and waitStoreOk. Java: ProduceAccumulator.
 */
export class Accumulator {
  private readonly open = new Map<string, Batch>();
  private heldBytes = 0;

  constructor(
    private readonly options: AccumulatorOptions,
    private readonly send: BatchSender,
  ) {}

  /** False when the message has to be sent alone. Else the callback gets the outcome, once its batch is sent. */
  add(message: PreparedMessage, queue: MessageQueue | undefined, callback: SendCallback): boolean {
    const bytes = message.body.length;
    const { batchMaxDelayMs, batchMaxBytes, totalBatchMaxBytes } = this.options;
    // The broker chooses the queue of a message with a priority, and takes no batches to retry topics.
    if (message.kind !== 'normal' || message.properties[PropertyName.PRIORITY] !== undefined) return false;
    if (isRetryTopic(message.topic)) return false;
    if (this.heldBytes + bytes > totalBatchMaxBytes) return false;
    const key = keyOf(message, queue);
    let batch = this.open.get(key);
    if (batch === undefined) {
      batch = { messages: [], callbacks: [], queue, bytes: 0, timer: undefined };
      batch.timer = setTimeout(() => this.flush(key), batchMaxDelayMs);
      this.open.set(key, batch);
    }
    batch.messages.push(message);
    batch.callbacks.push(callback);
    batch.bytes += bytes;
    this.heldBytes += bytes;
    if (batch.bytes >= batchMaxBytes) this.flush(key);
    return true;
  }

  /** Sends everything that waits, now. */
  flushAll(): void {
    for (const key of [...this.open.keys()]) this.flush(key);
  }

  private flush(key: string): void {
    const batch = this.open.get(key);
    if (batch === undefined) return;
    this.open.delete(key);
    clearTimeout(batch.timer);
    const { messages, callbacks, queue, bytes } = batch;
    this.send(messages, queue).then(
      (outcomes) => {
        this.heldBytes -= bytes;
        for (const [index, callback] of callbacks.entries()) {
          const outcome = outcomes[index]!;
          if (outcome instanceof Error) callback(outcome);
          else callback(null, outcome);
        }
      },
      (error: Error) => {
        this.heldBytes -= bytes;
        for (const callback of callbacks) callback(error);
      },
    );
  }
}

function keyOf({ topic, properties }: PreparedMessage, queue: MessageQueue | undefined): string {
  const tags = properties[PropertyName.TAGS] ?? '';
  const wait = properties[PropertyName.WAIT_STORE_MSG_OK] ?? '';
  return `${queue === undefined ? topic : queueKey(queue)} ${wait} ${tags}`;
}

/** The results of the messages of one send. A batch that is stored as one message (batch consume queue) has one result for all. */
export function splitResult(result: SendResult, count: number): SendResult[] {
  const msgIds = result.msgId.split(',');
  const offsetMsgIds = result.offsetMsgId.split(',');
  if (msgIds.length !== count || offsetMsgIds.length !== count) return Array.from({ length: count }, () => result);
  return msgIds.map((msgId, i) => ({
    ...result,
    msgId,
    offsetMsgId: offsetMsgIds[i]!,
    queueOffset: result.queueOffset + i,
  }));
}
