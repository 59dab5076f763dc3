import type { SubscriptionData } from './body/index.js';
import { ConfigurationError } from './errors.js';
import { javaHashCode } from './properties.js';

/** Everything of a topic. Java: `SubscriptionData.SUB_ALL`. */
export const SUB_ALL = '*';

/** Java: `ExpressionType`. */
export const ExpressionType = { TAG: 'TAG', SQL92: 'SQL92' } as const;

/**
 * What a consumer subscribes to: tags (`*`, `a || b`) or an SQL expression.
 * @param now becomes `subVersion`, milliseconds since 1970: of two members of a group the newer one counts
 * @throws ConfigurationError when a tag expression names no tag (`||`) or an SQL expression is empty
 *
 * Java: `FilterAPI.build`.
 */
export function parseSubscription(
  topic: string,
  expression: string | null | undefined,
  expressionType: string | null | undefined = ExpressionType.TAG,
  now: number = Date.now(),
): SubscriptionData {
  const type = expressionType || ExpressionType.TAG;
  const subscription: SubscriptionData = {
    topic,
    subString: expression || SUB_ALL,
    classFilterMode: false,
    tagsSet: [],
    codeSet: [],
    subVersion: now,
    expressionType: type,
  };
  if (type !== ExpressionType.TAG) {
    if (!expression) {
      throw new ConfigurationError(`Subscription to ${topic}: the ${type} expression is empty`, { context: { topic } });
    }
    return subscription;
  }
  if (subscription.subString === SUB_ALL) return subscription;

  const parts = subscription.subString.split('||');
  // As Java's split: an expression of separators only has no parts.
  if (parts.every((part) => part === '')) {
    throw new ConfigurationError(
      `Subscription to ${topic}: ${JSON.stringify(expression)} names no tag: write "*" or tags separated by ||`,
      { context: { topic, expression } },
    );
  }
  const tags = new Set(parts.map((part) => part.trim()).filter((tag) => tag !== ''));
  subscription.tagsSet = [...tags];
  subscription.codeSet = [...new Set(subscription.tagsSet.map(javaHashCode))];
  return subscription;
}
