import type { LoggerService } from '@nestjs/common';
import { ConfigurationError } from '@rocketnest/client';
import type { EventSubscription } from '../decorators/event.js';
import type { Discovered } from '../handlers/explorer.js';
import { describeError } from '../listeners/describe-error.js';
import type { PublishEvent, RocketMQEventName } from './events.js';

/**
 * Calls the methods that `@OnRocketMQEvent` marked. One that fails must not change what happens to messages.
 * @throws ConfigurationError for a method of a class that is no singleton: there is no instance to call it on
 */
export function createPublisher(
  subscriptions: readonly Discovered<EventSubscription>[],
  logger: LoggerService,
): PublishEvent {
  const methods = new Map<RocketMQEventName, ((about: unknown) => Promise<void>)[]>();
  for (const { target, options } of subscriptions) {
    const { wrapper, instance, methodName, label } = target;
    if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient) {
      throw new ConfigurationError(
        `${label} @OnRocketMQEvent belongs to a class that is made for each request. Events have none: move it to a singleton.`,
      );
    }
    const call = async (about: unknown): Promise<void> => {
      try {
        await (instance as Record<string, (about: unknown) => unknown>)[methodName]!(about);
      } catch (error) {
        logger.error(`${label} failed on the event '${options.event}': ${describeError(error)}`);
      }
    };
    methods.set(options.event, [...(methods.get(options.event) ?? []), call]);
  }
  return (event, about) => {
    for (const call of methods.get(event) ?? []) void call(about);
  };
}
