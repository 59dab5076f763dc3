import { ExpressionType, parseSubscription, type SubscriptionData } from '@rocketnest/protocol';
import type { SubscriptionFilter } from './push-consumer.js';

/** What brokers are told of a filter. @throws ConfigurationError for an invalid tag expression */
export function subscriptionOf(topic: string, filter: SubscriptionFilter): SubscriptionData {
  return typeof filter === 'string'
    ? parseSubscription(topic, filter)
    : parseSubscription(topic, filter.sql92, ExpressionType.SQL92);
}
