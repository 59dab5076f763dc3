import type { MessageExt } from '@rocketnest/protocol';

/** What a `for await` loop over a consumer reads. Asking for the next batch says that the one before is done. */
export class BatchIterator implements AsyncIterableIterator<MessageExt[]> {
  private state: 'new' | 'reading' | 'ended' = 'new';
  private onEnded: (() => void) | undefined;

  constructor(
    /** The next batch, or null when there will be none. */
    private readonly nextBatch: () => Promise<MessageExt[] | null>,
    private readonly onEnd: (iterator: BatchIterator) => void,
  ) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<MessageExt[], undefined>> {
    if (this.state === 'ended') return this.return();
    this.state = 'reading';
    let batch: MessageExt[] | null;
    try {
      batch = await this.nextBatch();
    } catch (error) {
      this.end();
      throw error;
    }
    return batch === null ? this.return() : { done: false, value: batch };
  }

  /** The loop was left by break, return or throw. */
  async return(): Promise<IteratorResult<MessageExt[], undefined>> {
    this.end();
    return { done: true, value: undefined };
  }

  /** Resolves when the loop is over. */
  ended(): Promise<void> {
    if (this.state !== 'reading') return Promise.resolve();
    return new Promise((resolve) => {
      this.onEnded = resolve;
    });
  }

  private end(): void {
    this.state = 'ended';
    this.onEnd(this);
    this.onEnded?.();
  }
}
