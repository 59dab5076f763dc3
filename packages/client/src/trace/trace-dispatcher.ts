import type { Logger } from '@rocketnest/remoting';
import { encodeTraceRecord, type TraceRecord, traceKeys } from './trace-record.js';

/**
 * Records that may wait; more are dropped rather than slow the traced work down. Java: the two queues of AsyncTraceDispatcher,
 * one of 2048 records, one of 2048 batches of 10.
 */
const MAX_WAITING = 16_384;
/** Records that are too few for a message leave after this time, in ms. Java: AsyncTraceDispatcher.flushTraceInterval. */
const FLUSH_INTERVAL_MS = 5_000;
/** Body of a trace message, in characters. Java: AsyncTraceDispatcher.maxMsgSize. */
const MAX_BODY = 128_000;
/** Keys of a trace message, in characters: all properties of a message together have 32 KiB. */
const MAX_KEYS = 8_000;
/** Trace messages under way; more would only wait at the broker. */
const MAX_SENDS = 32;
/** Losses are told once in this time, in ms. */
const LOSS_LOG_INTERVAL_MS = 60_000;

/** What became of the trace records of one producer or consumer so far. */
export interface TraceStats {
  /** Records taken. */
  readonly recorded: number;
  /** Records that brokers have. */
  readonly sent: number;
  /** Records refused because too many waited, or left over when close() ran out of time. */
  readonly dropped: number;
  /** Records whose trace message could not be sent. */
  readonly failed: number;
}

/** A record on its way, with the topic of its message: a trace message is about one topic, as Java's are. */
interface Waiting {
  readonly topic: string;
  readonly record: TraceRecord;
}

export interface TraceDispatcherOptions {
  /** Name of the traced group, for logs. */
  readonly group: string;
  /** Records that make a trace message. */
  readonly batchSize: number;
  readonly logger: Logger;
  /** Stores one trace message. */
  send(body: string, keys: readonly string[]): Promise<void>;
}

/**
 * Gathers trace records and sends them in batches, beside the traced work: taking a record costs a push onto a bounded list.
 * Java: AsyncTraceDispatcher.
 */
export class TraceDispatcher {
  private readonly waiting: Waiting[] = [];
  private readonly counts = { recorded: 0, sent: 0, dropped: 0, failed: 0 };
  private sending = 0;
  private timer: NodeJS.Timeout | undefined;
  private scheduled: NodeJS.Immediate | undefined;
  private flushing = false;
  private idle: (() => void) | undefined;
  private lossLoggedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: TraceDispatcherOptions) {}

  get stats(): TraceStats {
    return { ...this.counts };
  }

  /** Takes a record about a message of `topic`; false when it is dropped because too many wait. */
  append(topic: string, record: TraceRecord): boolean {
    this.counts.recorded++;
    if (this.waiting.length >= MAX_WAITING) {
      this.lost('dropped', 1);
      return false;
    }
    this.waiting.push({ topic, record });
    if (this.waiting.length >= this.options.batchSize) this.scheduled ??= setImmediate(() => this.sendBatches(false));
    else this.timer ??= setTimeout(() => this.sendBatches(true), FLUSH_INTERVAL_MS);
    return true;
  }

  /** Sends what waits and resolves when that is over, or after `timeoutMs`; what is left then is dropped. */
  async flush(timeoutMs: number): Promise<void> {
    this.flushing = true;
    this.sendBatches(true);
    if (this.sending > 0) {
      await new Promise<void>((resolve) => {
        const deadline = setTimeout(resolve, timeoutMs);
        this.idle = () => {
          clearTimeout(deadline);
          resolve();
        };
      });
    }
    this.idle = undefined;
    this.flushing = false;
    this.lost('dropped', this.waiting.splice(0).length);
    this.stopTimers();
  }

  /** Sends full batches, or with `all` whatever waits, while not too many sends are under way. */
  private sendBatches(all: boolean): void {
    this.stopTimers();
    const { batchSize } = this.options;
    while (this.waiting.length >= (all ? 1 : batchSize) && this.sending < MAX_SENDS) {
      const byTopic = new Map<string, TraceRecord[]>();
      // With a backlog messages become larger, not more.
      const share = Math.max(batchSize, Math.ceil(this.waiting.length / MAX_SENDS));
      for (const { topic, record } of this.waiting.splice(0, share)) {
        const records = byTopic.get(topic);
        if (records === undefined) byTopic.set(topic, [record]);
        else records.push(record);
      }
      for (const records of byTopic.values()) this.sendRecords(records);
    }
    if (this.waiting.length > 0) this.timer = setTimeout(() => this.sendBatches(true), FLUSH_INTERVAL_MS);
  }

  private stopTimers(): void {
    clearTimeout(this.timer);
    if (this.scheduled !== undefined) clearImmediate(this.scheduled);
    this.timer = undefined;
    this.scheduled = undefined;
  }

  /** One message, or several when they would be too large. */
  private sendRecords(records: readonly TraceRecord[]): void {
    let body = '';
    let keys = new Set<string>();
    let keyLength = 0;
    let count = 0;
    const cut = (): void => {
      if (count > 0) this.sendMessage(body, keys, count);
      body = '';
      keys = new Set();
      keyLength = 0;
      count = 0;
    };
    for (const record of records) {
      const data = encodeTraceRecord(record);
      const words = traceKeys(record);
      const wordLength = words.reduce((sum, word) => sum + word.length + 1, 0);
      if (body.length + data.length > MAX_BODY || keyLength + wordLength > MAX_KEYS) cut();
      body += data;
      for (const word of words) keys.add(word);
      keyLength += wordLength;
      count++;
    }
    cut();
  }

  private sendMessage(body: string, keys: ReadonlySet<string>, records: number): void {
    this.sending++;
    this.options.send(body, [...keys]).then(
      () => {
        this.counts.sent += records;
        this.sent();
      },
      (error: unknown) => {
        this.lost('failed', records, error);
        this.sent();
      },
    );
  }

  private sent(): void {
    this.sending--;
    if (this.waiting.length > 0) this.sendBatches(this.flushing);
    if (this.sending === 0) this.idle?.();
  }

  private lost(how: 'dropped' | 'failed', records: number, error?: unknown): void {
    if (records === 0) return;
    this.counts[how] += records;
    const now = performance.now();
    if (now - this.lossLoggedAt < LOSS_LOG_INTERVAL_MS) return;
    this.lossLoggedAt = now;
    this.options.logger.warn(
      `trace records of group ${this.options.group} are lost; messages are not affected. Check that the trace topic exists (traceTopicEnable=true on brokers) and is not slower than what is traced`,
      { ...this.counts, error: error instanceof Error ? error.message : undefined },
    );
  }
}
