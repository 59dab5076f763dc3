import type { Logger } from '@rocketnest/remoting';
import type { Batch } from './consumption.js';
import { startOf } from './handler-call.js';

/**
 * Warns, once per handler call, of those that run longer than the consume timeout. Where messages cannot be sent back instead
 * (in order, or broadcast), a handler that never ends would otherwise stop its queue without a word.
 */
export class OverdueHandlers {
  private readonly warned = new WeakSet<Batch>();

  constructor(
    private readonly group: string,
    private readonly timeoutMs: number,
    private readonly logger: Logger,
  ) {}

  check(running: Iterable<Batch>): void {
    const now = Date.now();
    for (const batch of running) {
      const runningMs = now - startOf(batch.messages);
      if (!(runningMs > this.timeoutMs) || this.warned.has(batch)) continue;
      this.warned.add(batch);
      this.logger.warn(
        `a handler of group ${this.group} has been running for ${runningMs} ms, longer than consumeTimeoutMs (${this.timeoutMs}); its queue waits for it`,
        { group: this.group, ...batch.queue.queue, msgIds: batch.messages.map((message) => message.msgId) },
      );
    }
  }
}
