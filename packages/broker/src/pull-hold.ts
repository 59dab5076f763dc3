import type { RemotingCommand } from '@rocketnest/protocol';
import type { Connection } from '@rocketnest/remoting';
import type { MessageFilter } from '@rocketnest/store';
import type { Clock } from './clock.js';
import { getOrCreate } from './collections.js';

/** Java sweeps held pulls every 5 s (`PullRequestHoldService.run`). */
const SWEEP_MS = 5_000;
/** Filters are asked about an arriving message by its properties alone. */
const NO_BYTES = Buffer.alloc(0);

/** A pull that found nothing and waits for messages. */
export interface HeldPull {
  readonly request: RemotingCommand;
  readonly connection: Connection;
  /** The offset the pull asks for: it is woken when the queue reaches beyond. */
  readonly offset: number;
  /** Clock time at which it is answered in any case. */
  readonly deadline: number;
  readonly filter: MessageFilter;
}

export interface PullHoldParts {
  readonly clock: Clock;
  readonly maxOffset: (topic: string, queueId: number) => number;
  /** Runs the pull once more; it must answer now. */
  readonly retry: (pull: HeldPull) => void;
}

/**
 * Long polling: pulls wait here, by queue, until a message arrives that their filter does not rule out, or until their time
 * is over (`PullRequestHoldService`).
 */
export class PullHold {
  static readonly sweepIntervalMs = SWEEP_MS;
  private readonly queues = new Map<string, Map<number, HeldPull[]>>();
  private closed = false;

  constructor(private readonly parts: PullHoldParts) {}

  /** Holds a pull. After {@link close} nothing is held any more: the caller must answer. @returns false then */
  hold(topic: string, queueId: number, pull: HeldPull): boolean {
    if (this.closed) return false;
    const byQueue = getOrCreate(this.queues, topic, () => new Map<number, HeldPull[]>());
    getOrCreate(byQueue, queueId, () => []).push(pull);
    return true;
  }

  /** Pulls waiting now. */
  get size(): number {
    let count = 0;
    for (const byQueue of this.queues.values()) for (const pulls of byQueue.values()) count += pulls.length;
    return count;
  }

  /** A message was stored; `tagsCode` and `properties` are its own, `maxOffset` is the end of its queue. */
  arrived(
    topic: string,
    queueId: number,
    maxOffset: number,
    tagsCode: number,
    properties: () => Record<string, string>,
  ): void {
    const byQueue = this.queues.get(topic);
    const pulls = byQueue?.get(queueId);
    if (byQueue === undefined || pulls === undefined) return;
    this.wake(byQueue, queueId, pulls, (pull) => {
      if (maxOffset <= pull.offset) return false;
      return (
        pull.filter.matchesConsumeQueue(tagsCode) && (pull.filter.matchesCommitLog?.(NO_BYTES, properties) ?? true)
      );
    });
  }

  /** Wakes the pulls of one group on a queue: its offset there was reset. */
  wakeGroup(topic: string, queueId: number, group: string): void {
    const byQueue = this.queues.get(topic);
    const pulls = byQueue?.get(queueId);
    if (byQueue === undefined || pulls === undefined) return;
    this.wake(byQueue, queueId, pulls, ({ request }) => request.extFields['consumerGroup'] === group);
  }

  /** Wakes pulls whose time is over, forgets those of closed connections, and looks again at queues that have grown. */
  sweep(): void {
    for (const [topic, byQueue] of this.queues) {
      for (const [queueId, pulls] of byQueue) {
        const maxOffset = this.parts.maxOffset(topic, queueId);
        this.wake(byQueue, queueId, pulls, (pull) => maxOffset > pull.offset);
      }
      if (byQueue.size === 0) this.queues.delete(topic);
    }
  }

  /** Runs the pulls of a topic again, for example because another broker answers for it now. */
  release(topic: string): void {
    const byQueue = this.queues.get(topic);
    for (const [queueId, pulls] of byQueue ?? []) this.wake(byQueue!, queueId, pulls, () => true);
  }

  /** Answers everything that waits; nothing is held from here on. */
  close(): void {
    this.closed = true;
    const waiting = [...this.queues.values()].flatMap((byQueue) => [...byQueue.values()].flat());
    this.queues.clear();
    for (const pull of waiting) this.parts.retry(pull);
  }

  private wake(
    byQueue: Map<number, HeldPull[]>,
    queueId: number,
    pulls: readonly HeldPull[],
    ready: (pull: HeldPull) => boolean,
  ): void {
    const now = this.parts.clock.now();
    const woken: HeldPull[] = [];
    const waiting: HeldPull[] = [];
    for (const pull of pulls) {
      if (pull.connection.closed) continue;
      if (ready(pull) || now >= pull.deadline) woken.push(pull);
      else waiting.push(pull);
    }
    if (waiting.length === 0) byQueue.delete(queueId);
    else byQueue.set(queueId, waiting);
    // Messages arrive in bursts: a pull that runs after the burst takes all of it, not only the first message.
    for (const pull of woken) process.nextTick(this.parts.retry, pull);
  }
}
