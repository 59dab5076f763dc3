import {
  ConfigurationError,
  parseSubscription,
  SUB_ALL,
  type SubscriptionData,
  validateTopic,
} from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import type { MessageQueue } from '../../message-queue.js';
import type { Namespace } from '../../namespace.js';
import { type SubscriptionFilter, subscriptionOf } from '../subscription-of.js';
import { Subscriptions } from '../subscriptions.js';
import { QueueWatch, type TopicMessageQueueChangeListener } from './queue-watch.js';

/** Called when this member's share of a topic's queues has changed. Java: MessageQueueListener. */
export type MessageQueueListener = (
  topic: string,
  all: readonly MessageQueue[],
  assigned: readonly MessageQueue[],
) => void;

/** What one consumer wants to read and to hear of. Users' names of topics come in, those of brokers are kept. */
export class Selection {
  readonly subscriptions = new Subscriptions();
  readonly watch: QueueWatch;
  private readonly listeners = new Map<string, MessageQueueListener>();
  private readonly assignFilters = new Map<string, SubscriptionData>();
  private mode: 'subscribe' | 'assign' | undefined;

  constructor(
    private readonly group: string,
    private readonly namespace: Namespace,
    private readonly logger: Logger,
  ) {
    this.watch = new QueueWatch(logger);
  }

  get assigning(): boolean {
    return this.mode === 'assign';
  }

  /** Queues are either shared with the group or named by hand. @throws ConfigurationError for both */
  enter(mode: 'subscribe' | 'assign'): void {
    if (this.mode !== undefined && this.mode !== mode) {
      throw new ConfigurationError(
        `Consumer group ${this.group} uses ${this.mode}() here; ${mode}() cannot be added. Use another LitePullConsumer for it.`,
        { context: { group: this.group } },
      );
    }
    this.mode = mode;
  }

  subscribe(topic: string, filter: SubscriptionFilter, listener: MessageQueueListener | undefined): void {
    this.enter('subscribe');
    const name = this.wire(topic);
    this.subscriptions.set(subscriptionOf(name, filter));
    if (listener === undefined) this.listeners.delete(name);
    else this.listeners.set(name, listener);
  }

  unsubscribe(topic: string): void {
    const name = this.namespace.wrapTopic(topic);
    this.subscriptions.delete(name);
    this.listeners.delete(name);
  }

  filterAssigned(topic: string, filter: SubscriptionFilter): void {
    this.enter('assign');
    const name = this.wire(topic);
    this.assignFilters.set(name, subscriptionOf(name, filter));
  }

  /** What pulls of a topic ask for; the name is the brokers'. */
  filterOf(name: string): SubscriptionData {
    const known = this.subscriptions.get(name) ?? this.assignFilters.get(name);
    if (known !== undefined) return known;
    const all = parseSubscription(name, SUB_ALL);
    this.assignFilters.set(name, all);
    return all;
  }

  /** The share of a subscribed topic has changed; names are the brokers'. */
  shareChanged(name: string, all: readonly MessageQueue[], assigned: readonly MessageQueue[]): void {
    const { namespace } = this;
    try {
      const listener = this.listeners.get(name);
      listener?.(namespace.unwrapTopic(name), namespace.unwrapQueues(all), namespace.unwrapQueues(assigned));
    } catch (error) {
      this.logger.warn(`the queue listener of topic ${name} threw`, { group: this.group, error });
    }
  }

  /** @returns takes the listener away again */
  watchQueues(topic: string, listener: TopicMessageQueueChangeListener): () => void {
    return this.watch.add(this.wire(topic), (_name, queues) => listener(topic, this.namespace.unwrapQueues(queues)));
  }

  private wire(topic: string): string {
    const name = this.namespace.wrapTopic(topic);
    validateTopic(name);
    return name;
  }
}
