import type { RocketMQEventName, RocketMQEvents } from '../events/events.js';
import { declare } from './metadata.js';

/** Which events a method hears of. */
export interface EventSubscription {
  readonly event: RocketMQEventName;
  readonly payloadType?: never;
}

export const EVENT_LISTENER = 'OnRocketMQEvent';

/**
 * Calls a method of a provider or controller with what happens to the consumers of this application.
 *
 * ```ts
 * @OnRocketMQEvent('dead-letter')
 * alarm({ group, message, reason }: RocketMQEvents['dead-letter']) {}
 * ```
 *
 * Nothing waits for it, and what it throws is logged and otherwise ignored. The class must be a singleton.
 */
export const OnRocketMQEvent =
  <E extends RocketMQEventName>(event: E) =>
  <T extends (about: RocketMQEvents[E]) => unknown>(
    target: object,
    propertyKey: string | symbol,
    descriptor: TypedPropertyDescriptor<T>,
  ): void =>
    declare<EventSubscription>(EVENT_LISTENER, { event }, undefined)(target, propertyKey, descriptor);
