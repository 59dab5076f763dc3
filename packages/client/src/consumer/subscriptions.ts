import type { SubscriptionData } from '@rocketnest/protocol';

/** The topics of one consumer group with their filters. */
export class Subscriptions {
  private readonly byTopic = new Map<string, SubscriptionData>();
  /**
   * Newer versions told to brokers because this member's share changed. Pulls keep the subscription's own version: with a
   * newer one than the broker has seen, it would refuse the pull (SUBSCRIPTION_NOT_LATEST).
   */
  private readonly announced = new Map<string, number>();

  set(subscription: SubscriptionData): void {
    this.byTopic.set(subscription.topic, subscription);
    this.announced.delete(subscription.topic);
  }

  delete(topic: string): void {
    this.byTopic.delete(topic);
    this.announced.delete(topic);
  }

  get(topic: string): SubscriptionData | undefined {
    return this.byTopic.get(topic);
  }

  get size(): number {
    return this.byTopic.size;
  }

  topics(): string[] {
    return [...this.byTopic.keys()];
  }

  /** The next heartbeat shows a new version, so that brokers look at the subscription again. Java: messageQueueChanged. */
  touch(topic: string): void {
    this.announced.set(topic, Date.now());
  }

  forHeartbeat(): SubscriptionData[] {
    return Array.from(this.byTopic.values(), (subscription) => ({
      ...subscription,
      subVersion: this.announced.get(subscription.topic) ?? subscription.subVersion,
    }));
  }
}
