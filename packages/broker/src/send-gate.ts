import type { BrokerOptions } from './options.js';

/**
 * How much sending is under way, and whether more may come: a broker whose disk does not keep up says so, instead of
 * collecting messages in memory (`BrokerFastFailure`, the capacity of the send thread pool's queue).
 */
export class SendGate {
  private count = 0;
  private bytes = 0;
  /** When a put was last done, or the first of those under way was begun. */
  private progressAt = 0;

  constructor(
    private readonly options: BrokerOptions,
    /** Milliseconds that only run forward: a clock that is set must not look like a stalled disk. */
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Puts under way. */
  get size(): number {
    return this.count;
  }

  /** @returns why a message must not come in now; the client's answer is SYSTEM_BUSY, which it retries elsewhere or later */
  refusal(): string | undefined {
    const { options, count } = this;
    if (count === 0) return undefined;
    if (options.brokerFastFailureEnable && options.flushDiskType === 'ASYNC_FLUSH') {
      const stalledMs = Math.round(this.now() - this.progressAt);
      if (stalledMs > options.osPageCacheBusyTimeOutMills) {
        return (
          `[PCBUSY_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: ${stalledMs}ms, ` +
          `size of queue: ${count}`
        );
      }
    }
    return count >= options.sendThreadPoolQueueCapacity || this.bytes > options.maxUnwrittenBytes
      ? OVERLOAD
      : undefined;
  }

  begin(bytes: number): void {
    if (this.count++ === 0) this.progressAt = this.now();
    this.bytes += bytes;
  }

  done(bytes: number): void {
    this.count--;
    this.bytes -= bytes;
    this.progressAt = this.now();
  }
}

/** The answer when a queue of requests is full (`NettyRemotingAbstract.processRequestCommand`). */
export const OVERLOAD = '[OVERLOAD]system busy, start flow control for a while';
