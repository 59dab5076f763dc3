import type { Logger } from '@rocketnest/remoting';
import { type MessageQueue, queueKey } from '../../message-queue.js';
import type { TopicRoute } from '../../routes.js';

/** Called when the readable queues of a topic are others than before. Java: TopicMessageQueueChangeListener. */
export type TopicMessageQueueChangeListener = (topic: string, queues: readonly MessageQueue[]) => void;

/** Tells listeners when topics get or lose queues. */
export class QueueWatch {
  private readonly listeners = new Map<string, Set<TopicMessageQueueChangeListener>>();
  /** The queues last seen, as text. */
  private readonly seen = new Map<string, string>();

  constructor(private readonly logger: Logger) {}

  topics(): IterableIterator<string> {
    return this.listeners.keys();
  }

  /** @returns takes the listener away again */
  add(topic: string, listener: TopicMessageQueueChangeListener): () => void {
    const listeners = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0 || this.listeners.get(topic) !== listeners) return;
      this.listeners.delete(topic);
      this.seen.delete(topic);
    };
  }

  /** The first sight of a topic is what later ones are compared with. */
  see({ topic, subscribeQueues }: Pick<TopicRoute, 'topic' | 'subscribeQueues'>): void {
    const listeners = this.listeners.get(topic);
    if (listeners === undefined) return;
    const now = subscribeQueues.map(queueKey).join();
    const before = this.seen.get(topic);
    this.seen.set(topic, now);
    if (before === undefined || before === now) return;
    for (const listener of [...listeners]) {
      try {
        listener(topic, subscribeQueues);
      } catch (error) {
        this.logger.warn(`a queue change listener of topic ${topic} threw`, { error });
      }
    }
  }
}
