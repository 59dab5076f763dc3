import type { SendOptions } from './send-options.js';

/** A payload with its own send options; what `RocketMQRecordBuilder` builds. */
export class RocketMQRecord<T = unknown> {
  constructor(
    readonly payload: T,
    readonly options: RecordOptions = {},
  ) {}
}

/** What a record may say about its message; the same words as in `SendOptions`. */
export type RecordOptions = Pick<
  SendOptions,
  'tag' | 'keys' | 'headers' | 'shardingKey' | 'delay' | 'delayLevel' | 'deliverAt' | 'timeoutMs'
>;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Builds a message for `ClientRocketMQ.emit`, which takes nothing but a pattern and data, and for the items of a batch.
 * Like the record builders of Nest's own transports.
 */
export class RocketMQRecordBuilder<T = unknown> {
  readonly #options: Mutable<RecordOptions> = {};

  constructor(private payload: T) {}

  setPayload(payload: T): this {
    this.payload = payload;
    return this;
  }

  setTag(tag: string): this {
    return this.#set('tag', tag);
  }

  setKeys(keys: string | readonly string[]): this {
    return this.#set('keys', keys);
  }

  setHeaders(headers: NonNullable<RecordOptions['headers']>): this {
    return this.#set('headers', headers);
  }

  /** Messages with the same key go to the same queue, so an ORDERLY consumer sees them in order. */
  setShardingKey(shardingKey: string): this {
    return this.#set('shardingKey', shardingKey);
  }

  setDelay(delay: string | number): this {
    return this.#set('delay', delay);
  }

  setDelayLevel(delayLevel: number): this {
    return this.#set('delayLevel', delayLevel);
  }

  setDeliverAt(deliverAt: Date | number): this {
    return this.#set('deliverAt', deliverAt);
  }

  /** Deadline of the send, or of a request and its reply, in ms. */
  setTimeoutMs(timeoutMs: number): this {
    return this.#set('timeoutMs', timeoutMs);
  }

  build(): RocketMQRecord<T> {
    return new RocketMQRecord(this.payload, { ...this.#options });
  }

  #set<K extends keyof RecordOptions>(key: K, value: RecordOptions[K]): this {
    this.#options[key] = value;
    return this;
  }
}
