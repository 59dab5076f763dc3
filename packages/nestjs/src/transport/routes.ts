import { ConfigurationError } from '@rocketnest/client';
import { checkOptions, must } from '../checks.js';
import { formatSubscription, type Subscription } from '../destination.js';
import { parsePattern } from './pattern.js';

/** What a handler may say beside its pattern: `@EventPattern('order:paid', ROCKETMQ_TRANSPORT, { consumerGroup: 'mail' })`. */
export interface RocketMQHandlerExtras {
  /**
   * The group that gets the messages for this handler, instead of the strategy's. Handlers of one event in different groups fail and are
   * retried each for itself.
   */
  readonly consumerGroup?: string;
}

/** Where messages for a handler come from. */
export interface Route {
  /** What Nest knows the handlers by. */
  readonly key: string;
  readonly subscription: Subscription;
  /** The pattern as it is shown. */
  readonly pattern: string;
  readonly group: string;
}

/**
 * @param extras of Nest's decorators; what other libraries put there is left alone
 * @throws ConfigurationError on a pattern that is not one of ours, or a bad group
 */
export function routeOf(pattern: unknown, { consumerGroup }: RocketMQHandlerExtras, defaultGroup: string): Route {
  const subscription = parsePattern(pattern);
  const shown = formatSubscription(subscription);
  checkOptions(`Extras of the pattern '${shown}'`, { consumerGroup }, { consumerGroup: must.beText });
  const group = consumerGroup ?? defaultGroup;
  return { key: group === defaultGroup ? shown : `${shown} {${group}}`, subscription, pattern: shown, group };
}

/** Events may have several handlers. Of two answers to one request nobody could tell which counts. */
export function refuseTwoAnswers({ pattern }: Route): never {
  throw new ConfigurationError(
    `'${pattern}' has two handlers, and one of them is a @MessagePattern: a request has one answer. ` +
      'Remove one, or give them different topics or tags.',
    { context: { pattern } },
  );
}
