import { dlqTopic, PermName, PropertyName } from '@rocketnest/protocol';
import type { StoreMessage } from '@rocketnest/store';
import type { BrokerContext } from './context.js';

/** Dead letters have one queue per group (`AbstractSendMessageProcessor.DLQ_NUMS_PER_GROUP`). */
const DLQ_QUEUES = 1;

/**
 * Turns a message that was consumed too often into a dead letter of its group, in place; creates the group's dead letter
 * topic on first use. The message is not delayed any more.
 */
export function moveToDeadLetters(context: Pick<BrokerContext, 'topics'>, message: StoreMessage, group: string): void {
  const topic = dlqTopic(group);
  context.topics.createInternal(topic, DLQ_QUEUES, PermName.READ | PermName.WRITE);
  message.topic = topic;
  message.queueId = 0;
  message.properties[PropertyName.DELAY] = '0';
  message.propertiesData = undefined;
}
