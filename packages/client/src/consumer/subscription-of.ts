import { ExpressionType, parseSubscription, type SubscriptionData } from '@rocketnest/protocol';

/** Which messages of a topic a group gets: tags, or an SQL expression over message properties. Java: MessageSelector. */
export type SubscriptionFilter = string | { readonly sql92: string };

/** What brokers are told of a filter. @throws ConfigurationError for an invalid tag expression */
export function subscriptionOf(topic: string, filter: SubscriptionFilter): SubscriptionData {
  return typeof filter === 'string'
    ? parseSubscription(topic, filter)
    : parseSubscription(topic, filter.sql92, ExpressionType.SQL92);
}
