import type { SubscriptionData } from '@rocketnest/protocol';
import type { MessageFilter } from '@rocketnest/store';

/** Takes every message. */
const everything: MessageFilter = { matchesConsumeQueue: () => true };

/** Java: `ExpressionType.isTagType`. */
export const isTagExpression = (expressionType: string | null | undefined): boolean =>
  expressionType === undefined || expressionType === null || expressionType === '' || expressionType === 'TAG';

/**
 * The filter of a subscription (`ExpressionMessageFilter`). Tags are compared by hash only; the client compares their text.
 * Other expression types (SQL92) get their filter here when the broker supports them.
 */
export function filterOf(subscription: SubscriptionData): MessageFilter {
  if (subscription.classFilterMode || subscription.subString === '*') return everything;
  const codes = subscription.codeSet;
  return { matchesConsumeQueue: (tagsCode) => codes.includes(tagsCode) };
}
