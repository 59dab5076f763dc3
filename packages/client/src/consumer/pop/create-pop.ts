import { allocateStrategyOf } from '../allocate-by-name.js';
import { Assignments } from './assignments.js';
import { PopConsumer, type PopConsumerParts } from './pop-consumer.js';
import { PopLink } from './pop-link.js';

/** What a push consumer has besides when brokers assign its queues. */
export interface Pop {
  readonly assignments: Assignments;
  readonly consumer: PopConsumer;
}

/** Undefined when members share out the queues by themselves. Java: RebalancePushImpl.clientRebalance. */
export function createPop(parts: Omit<PopConsumerParts, 'link'>, onSubscriptionsChanged: () => void): Pop | undefined {
  const { instance, options, subscriptions } = parts;
  const { allocate, clientRebalance, group, messageModel } = options;
  if (clientRebalance || messageModel === 'BROADCASTING') return undefined;
  const link = new PopLink(instance, group);
  const consumer = new PopConsumer({ ...parts, link });
  const strategyName = allocateStrategyOf(allocate).name;
  const { logger } = instance;
  const assignments = new Assignments({
    group,
    strategyName,
    link,
    pop: consumer,
    subscriptions,
    logger,
    onSubscriptionsChanged,
  });
  return { assignments, consumer };
}
