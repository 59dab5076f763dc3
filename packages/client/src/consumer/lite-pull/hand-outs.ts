import type { MessageExt } from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import type { ConsumeContext, ConsumeHooks } from '../outcome.js';
import type { AssignedQueue } from './assigned-queue.js';
import type { Batch } from './inbox.js';

interface HandOut {
  readonly assigned: AssignedQueue;
  readonly messages: readonly MessageExt[];
  readonly context: ConsumeContext;
  readonly startedAt: number;
}

/** The batches that poll() has handed out and that count as being worked on until it is called again. */
export class HandOuts {
  private current: HandOut[] = [];

  constructor(
    /** As the user wrote it. */
    private readonly group: string,
    private readonly hooks: readonly ConsumeHooks[],
    private readonly logger: Logger,
  ) {}

  add({ assigned, messages }: Batch, queue: ConsumeContext['queue']): void {
    const handOut = { assigned, messages, context: { group: this.group, queue }, startedAt: Date.now() };
    this.current.push(handOut);
    for (const hook of this.hooks) this.observe(() => hook.before?.(messages, handOut.context));
  }

  /** Whether messages of the queue are being worked on. */
  includes(assigned: AssignedQueue): boolean {
    return this.current.some((handOut) => handOut.assigned === assigned);
  }

  /** All of them are done now. Calls `settled` once for every queue. */
  settle(settled: (assigned: AssignedQueue) => void): void {
    if (this.current.length === 0) return;
    const done = this.current;
    this.current = [];
    for (const assigned of new Set(done.map((handOut) => handOut.assigned))) settled(assigned);
    for (const { messages, context, startedAt } of done) {
      const result = { outcome: undefined, durationMs: Date.now() - startedAt };
      for (const hook of this.hooks) this.observe(() => hook.after?.(messages, context, result));
    }
  }

  /** Ids of the messages being worked on. */
  get msgIds(): string[] {
    return this.current.flatMap(({ messages }) => messages.map((message) => message.msgId));
  }

  /** Observers must not change what happens to a message. */
  private observe(observer: () => void): void {
    try {
      observer();
    } catch (error) {
      this.logger.warn(`a hook of group ${this.group} threw`, { error });
    }
  }
}
