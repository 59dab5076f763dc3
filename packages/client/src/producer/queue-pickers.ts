import { ConfigurationError } from '@rocketnest/protocol';
import type { FaultLatency } from './fault-latency.js';
import type { OutgoingMessage } from './outgoing-message.js';
import { checkSelected, queueOfKey, RoundRobin } from './queue-selector.js';
import type { QueuePicker } from './send-operation.js';
import type { SendOptions } from './send-options.js';

/** How the sends of one producer choose their queues, topic by topic. */
export class QueuePickers {
  /** Topics sent to, each with its turn-taking picker. */
  private readonly turns = new Map<string, QueuePicker>();

  constructor(private readonly faults: FaultLatency | undefined) {}

  /** Topics sent to so far. */
  topics(): Iterable<string> {
    return this.turns.keys();
  }

  /** True when the topic was sent to before. */
  has(topic: string): boolean {
    return this.turns.has(topic);
  }

  /** How this send chooses its queues. @throws ConfigurationError when the options contradict each other */
  of(message: OutgoingMessage, options: SendOptions): QueuePicker {
    const { topic } = message;
    const { queue, selector, shardingKey } = options;
    const turnTaking = this.turnTaking(topic);
    if (queue !== undefined) {
      if (queue.topic !== topic) {
        throw new ConfigurationError(`A message to topic ${topic} cannot be sent to a queue of topic ${queue.topic}.`, {
          context: { topic, queue },
        });
      }
      return () => queue;
    }
    if (selector !== undefined)
      return (route) => checkSelected(selector(route.publishQueues, message), route.publishQueues, topic);
    if (shardingKey !== undefined) return (route) => queueOfKey(route.publishQueues, shardingKey);
    return turnTaking;
  }

  /** Takes the topic's queues in turn. */
  turnTaking(topic: string): QueuePicker {
    const existing = this.turns.get(topic);
    if (existing !== undefined) return existing;
    const roundRobin = new RoundRobin();
    const picker: QueuePicker = (route, failedBroker) => roundRobin.next(route, failedBroker, this.faults);
    this.turns.set(topic, picker);
    return picker;
  }
}
