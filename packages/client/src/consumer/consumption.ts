import { performance } from 'node:perf_hooks';
import type { MessageExt } from '@rocketnest/protocol';
import { Chain, type Link } from '../chain.js';
import type { ProcessQueue } from './process-queue.js';
import { RateLimit } from './rate-limit.js';

/** Handlers that finish at once run at most this long in one turn of the event loop; then sockets and timers have theirs. ms */
const TURN_MS = 5;
/** Batches between two looks at the clock. */
const BATCHES_PER_LOOK = 16;

/** What handlers get messages from, as far as taking turns is concerned. */
export interface WorkQueue {
  /** Whether the consumption schedule knows that this queue has work. */
  scheduled: boolean;
  /** No longer ours: no handler starts. */
  readonly dropped: boolean;
  /** No handler starts for now. */
  readonly paused?: boolean;
  /** Whether some message has not been handed out. */
  readonly hasUntaken: boolean;
  handlerStarted(): void;
  handlerDone(): void;
}

/** One handler call and the queue it belongs to. */
export interface Batch<Q extends WorkQueue = ProcessQueue> extends Link<Batch<Q>> {
  readonly queue: Q;
  readonly messages: MessageExt[];
  /** Its handler, and the handling of its failure, is over. */
  over: boolean;
}

/** A batch whose handler is to be called. */
export function batchOf<Q extends WorkQueue>(queue: Q, messages: MessageExt[]): Batch<Q> {
  return { queue, messages, over: false, previousLink: undefined, nextLink: undefined };
}

/** When a batch is worth waiting for: fewer than `batchSize` messages wait for more, `batchWaitMs` at most (0: they do not). */
export interface BatchOptions {
  readonly batchSize: number;
  readonly batchWaitMs: number;
}

/**
 * Gives batches to handlers: at most `concurrency` at once, queues taking turns so that a slow one does not keep the
 * others waiting. Handlers that return without a promise cost no promise here. What a result means is up to the subclass
 * (concurrently or orderly).
 */
export abstract class Consumption<Q extends WorkQueue = ProcessQueue> {
  /** Queues with work, in turn order. */
  private readonly ready: Q[] = [];
  /** Batches whose handler (or the handling of its failure) has not finished. */
  private readonly active = new Chain<Batch<Q>>();
  private readonly timers = new Set<NodeJS.Timeout>();
  /** Queues that wait until a batch is full. */
  private readonly filling = new WeakMap<Q, { over: boolean }>();
  private pumping = false;
  /** Ends the current turn of the event loop; set while handlers have run in it. */
  private turn: NodeJS.Immediate | null = null;
  private turnStartedAt = 0;
  private batchesInTurn = 0;
  /** The turn is used up: what is ready waits for the next one. */
  private resting = false;
  private paused = false;
  private stopped = false;
  private rate: RateLimit | undefined;
  /** A timer waits until the rate limit lets the next batch through. */
  private throttled = false;
  private drained: (() => void) | null = null;

  constructor(private limit: number) {}

  /** Runs one batch of the queue; `finished(batch)` must follow, within the call or later. */
  protected abstract run(batch: Batch<Q>): void;
  /** Takes the next batch of the queue, or nothing. */
  protected abstract next(queue: Q): Batch<Q> | undefined;
  /** Whether the queue may take its next turn while `batch` still runs. */
  protected abstract readonly overlapping: boolean;

  get concurrency(): number {
    return this.limit;
  }

  setConcurrency(limit: number): void {
    this.limit = limit;
    this.pump();
  }

  /** @param perSecond messages given to handlers per second; undefined: as fast as they go */
  setRateLimit(perSecond: number | undefined): void {
    this.rate = perSecond === undefined ? undefined : new RateLimit(perSecond, performance.now());
    this.pump();
  }

  get rateLimit(): number | undefined {
    return this.rate?.perSecond;
  }

  get runningHandlers(): number {
    return this.active.size;
  }

  /** Batches whose handler, or the handling of its failure, goes on. */
  get running(): readonly Batch<Q>[] {
    return this.active.toArray();
  }

  /** There is something to consume in the queue. */
  submit(queue: Q): void {
    if (this.stopped || queue.scheduled || queue.dropped) return;
    queue.scheduled = true;
    this.ready.push(queue);
    this.pump();
  }

  /** No handler starts until resume(). */
  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.pump();
  }

  /**
   * No handler starts any more; resolves when the running ones are done or the deadline has passed.
   * @returns the batches still running at the deadline
   */
  async stop(timeoutMs: number): Promise<Batch<Q>[]> {
    this.stopped = true;
    this.ready.length = 0;
    if (this.turn !== null) clearImmediate(this.turn);
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    if (this.active.size > 0 && timeoutMs > 0) {
      await new Promise<void>((resolve) => {
        const deadline = setTimeout(resolve, timeoutMs);
        this.drained = () => {
          clearTimeout(deadline);
          resolve();
        };
      });
    }
    return this.active.toArray();
  }

  protected get isPaused(): boolean {
    return this.paused;
  }

  /** Runs `task` later unless the consumer stops first. */
  protected later(ms: number, task: () => void): void {
    if (this.stopped) return;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      task();
    }, ms);
    this.timers.add(timer);
  }

  /**
   * Whether the queue should wait for a full batch. It has its turn again when messages come, and when the time is over.
   * @param untaken messages that a handler could get now
   */
  protected waitsForMore(queue: Q, untaken: number, { batchSize, batchWaitMs }: BatchOptions): boolean {
    if (batchWaitMs === 0 || untaken === 0) return false;
    const waiting = this.filling.get(queue);
    if (untaken >= batchSize || waiting?.over) {
      this.filling.delete(queue);
      return false;
    }
    if (waiting === undefined) {
      const begun = { over: false };
      this.filling.set(queue, begun);
      this.later(batchWaitMs, () => {
        begun.over = true;
        this.submit(queue);
      });
    }
    return true;
  }

  /** Starts a batch; outside the queues' turns it is a repetition, which counts as running whatever the limit. */
  protected start(batch: Batch<Q>): void {
    batch.queue.handlerStarted();
    this.run(batch);
    if (batch.over) batch.queue.handlerDone();
    else this.active.add(batch);
  }

  /** The batch needs nothing any more: its handler is done and its result is dealt with. */
  protected finished(batch: Batch<Q>): void {
    batch.over = true;
    // Within start(), which does the rest.
    if (!this.active.delete(batch)) return;
    const { queue } = batch;
    queue.handlerDone();
    if (!this.overlapping) this.takeTurn(queue);
    if (!this.stopped) this.pump();
    else if (this.active.size === 0) this.drained?.();
  }

  /** The queue joins the end of the line again, or leaves it. */
  private takeTurn(queue: Q): void {
    if (this.stopped) return;
    if (queue.dropped || !queue.hasUntaken) queue.scheduled = false;
    else this.ready.push(queue);
  }

  private pump(): void {
    if (this.pumping || this.resting) return;
    this.pumping = true;
    try {
      this.runReady();
    } finally {
      this.pumping = false;
    }
  }

  private runReady(): void {
    while (this.ready.length > 0 && this.active.size < this.limit && !this.paused && !this.stopped) {
      if (this.turnIsOver()) {
        this.resting = true;
        return;
      }
      if (this.rate !== undefined && this.isThrottled(this.rate)) return;
      const queue = this.ready.shift()!;
      const batch = queue.dropped || queue.paused ? undefined : this.next(queue);
      if (batch === undefined) {
        queue.scheduled = false;
        continue;
      }
      this.rate?.take(batch.messages.length);
      if (this.overlapping) this.takeTurn(queue);
      this.start(batch);
      if (batch.over && !this.overlapping) this.takeTurn(queue);
    }
  }

  /** Whether the next batch has to wait for the rate limit; if so, it goes on by itself. */
  private isThrottled(rate: RateLimit): boolean {
    const waitMs = rate.waitMs(performance.now());
    if (waitMs === 0) return false;
    if (!this.throttled) {
      this.throttled = true;
      this.later(waitMs, () => {
        this.throttled = false;
        this.pump();
      });
    }
    return true;
  }

  /**
   * Counts a batch. Handlers that return, or resolve, without waiting for anything would otherwise run in one go through all
   * that was pulled, since promises are served before sockets.
   */
  private turnIsOver(): boolean {
    if (this.turn === null) {
      this.turnStartedAt = performance.now();
      this.batchesInTurn = 0;
      this.turn = setImmediate(() => {
        this.turn = null;
        this.resting = false;
        this.pump();
      });
    }
    return ++this.batchesInTurn % BATCHES_PER_LOOK === 0 && performance.now() - this.turnStartedAt > TURN_MS;
  }
}
