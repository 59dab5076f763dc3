import type { MessageQueue } from '../message-queue.js';
import { queueKey } from '../message-queue.js';
import type { ProcessQueue } from './process-queue.js';
import { type PullContext, PullLoop } from './pull-loop.js';
import type { TopicLimits } from './topic-limits.js';

/** The pull loops of one consumer: one per queue that is ours, and whether they may run. */
export class Pulling {
  private readonly loops = new Map<ProcessQueue, PullLoop>();
  /** One per topic. */
  private readonly contexts = new Map<string, PullContext>();
  /** Keys of queues that the user does not want for now, whether they are ours or not. */
  private readonly unwanted = new Set<string>();
  private paused = false;

  constructor(
    private readonly shared: Omit<PullContext, 'limits' | 'paused'>,
    private readonly limits: TopicLimits,
  ) {}

  start(queue: ProcessQueue, offset: number): void {
    queue.paused = this.unwanted.has(queue.key);
    const loop = new PullLoop(this.contextOf(queue.queue.topic), queue, offset);
    this.loops.set(queue, loop);
    this.shareLimits(queue.queue.topic);
    loop.run();
  }

  /** Nothing of the queue is pulled any more, and an answer on its way is ignored. */
  stop(queue: ProcessQueue): void {
    this.loops.get(queue)?.stop();
    if (this.loops.delete(queue)) this.shareLimits(queue.queue.topic);
  }

  stopAll(): void {
    for (const loop of this.loops.values()) loop.stop();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    for (const loop of this.loops.values()) loop.resume();
  }

  /** The queues are left alone, now and when they become ours. */
  pauseQueues(queues: Iterable<MessageQueue>): void {
    for (const queue of queues) this.unwanted.add(queueKey(queue));
    for (const held of this.loops.keys()) held.paused = this.unwanted.has(held.key);
  }

  /** @returns those of the queues that are ours: handlers may go on with what they hold */
  resumeQueues(queues: Iterable<MessageQueue>): ProcessQueue[] {
    for (const queue of queues) this.unwanted.delete(queueKey(queue));
    const resumed = [...this.loops.keys()].filter((held) => held.paused && !this.unwanted.has(held.key));
    for (const queue of resumed) {
      queue.paused = false;
      this.loops.get(queue)?.resume();
    }
    return resumed;
  }

  /** The filter of the topic has changed, or the topic is subscribed to again. */
  refilter(topic: string): void {
    for (const [queue, loop] of this.loops) if (queue.queue.topic === topic) loop.refilter();
  }

  private shareLimits(topic: string): void {
    let queues = 0;
    for (const queue of this.loops.keys()) if (queue.queue.topic === topic) queues++;
    this.limits.share(topic, queues);
  }

  private contextOf(topic: string): PullContext {
    const known = this.contexts.get(topic);
    if (known !== undefined) return known;
    const isPaused = () => this.paused;
    const context: PullContext = {
      ...this.shared,
      limits: this.limits.of(topic),
      get paused() {
        return isPaused();
      },
    };
    this.contexts.set(topic, context);
    return context;
  }
}
