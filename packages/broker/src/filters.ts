import type { SubscriptionData } from '@rocketnest/protocol';
import type { MessageFilter } from '@rocketnest/store';
import type { Predicate } from './filter/expressions.js';

/** Takes every message. */
const everything: MessageFilter = { matchesConsumeQueue: () => true };

/** Java: `ExpressionType.isTagType`. */
export const isTagExpression = (expressionType: string | null | undefined): boolean =>
  expressionType === undefined || expressionType === null || expressionType === '' || expressionType === 'TAG';

/** What Java says when `enablePropertyFilter` is off. */
export const noFilterBy = (expressionType: string | null | undefined): string =>
  `The broker does not support consumer to filter message by ${expressionType}`;

/**
 * The filter of a subscription (`ExpressionMessageFilter`). Tags are compared by hash only; the client compares their text.
 * @param matches the compiled expression of a subscription that is not by tags; without one it takes every message
 */
export function filterOf(subscription: SubscriptionData, matches?: Predicate): MessageFilter {
  if (subscription.classFilterMode) return everything;
  if (!isTagExpression(subscription.expressionType)) {
    if (matches === undefined) return everything;
    return { matchesConsumeQueue: () => true, matchesCommitLog: (_message, properties) => matches(properties()) };
  }
  if (subscription.subString === '*') return everything;
  const codes = subscription.codeSet;
  return { matchesConsumeQueue: (tagsCode) => codes.includes(tagsCode) };
}
