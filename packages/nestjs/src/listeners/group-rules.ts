import type { CheckedModuleOptions } from '../options.js';
import type { ConsumerSettings } from './listener-options.js';

/** Deliveries after the first where neither listener nor module sets a number. Java: getMaxReconsumeTimes. */
const DEFAULT_RETRIES = { CONCURRENTLY: 16, ORDERLY: Number.POSITIVE_INFINITY } as const;

/** PushConsumer's own default. */
const DEFAULT_CONCURRENCY = 20;

/** What the listeners of a group together with the module's defaults mean. */
export class GroupRules {
  constructor(
    readonly group: string,
    readonly connection: string,
    private readonly settings: ConsumerSettings,
    private readonly defaults: CheckedModuleOptions['consumer'],
  ) {}

  get orderly(): boolean {
    return (this.settings.consumeMode ?? this.defaults?.consumeMode) === 'ORDERLY';
  }

  get broadcasting(): boolean {
    return (this.settings.messageModel ?? this.defaults?.messageModel) === 'BROADCASTING';
  }

  get concurrency(): number {
    return this.settings.concurrency ?? this.defaults?.concurrency ?? DEFAULT_CONCURRENCY;
  }

  /** How large batches are, in words. */
  get batchFacts(): string {
    const { consumeMessageBatchMaxSize: size = 1, consumeMessageBatchWaitMs: waitMs = 0 } = this.settings;
    return waitMs === 0 ? String(size) : `${size}, or after ${waitMs} ms`;
  }

  get rateLimit(): number | undefined {
    return this.settings.rateLimit ?? this.defaults?.rateLimit;
  }

  /** Deliveries after the first one; Infinity where there is no end. */
  get retries(): number {
    if (this.broadcasting) return 0;
    const set = this.settings.maxReconsumeTimes ?? this.defaults?.maxReconsumeTimes ?? -1;
    return set >= 0 ? set : DEFAULT_RETRIES[this.orderly ? 'ORDERLY' : 'CONCURRENTLY'];
  }

  /** How often a message is delivered at most, in words. */
  get attempts(): string {
    return Number.isFinite(this.retries) ? String(this.retries + 1) : 'any number';
  }

  /** What is special, for the log: `concurrency 20, retries 16`. */
  get facts(): string[] {
    return [
      `concurrency ${this.concurrency}`,
      ...(this.broadcasting
        ? ['broadcasting']
        : [`retries ${Number.isFinite(this.retries) ? this.retries : 'without end'}`]),
      ...(this.orderly ? ['orderly'] : []),
      ...(this.rateLimit === undefined ? [] : [`at most ${this.rateLimit} messages/s`]),
      ...(this.connection === 'default' ? [] : [`connection ${this.connection}`]),
    ];
  }
}
