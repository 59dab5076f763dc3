import type { Attributes } from '@opentelemetry/api';
import type { SendHookContext } from '@rocketnest/client';
import { PropertyName } from '@rocketnest/client';
import type { ConsumeCall } from '../operations/instrumentation.js';

// Names: OpenTelemetry's semantic conventions for messaging and for RocketMQ.

/** What RocketMQ's conventions call the kinds of messages. */
const MESSAGE_TYPES: Readonly<Partial<Record<SendHookContext['kind'], string>>> = {
  normal: 'normal',
  delay: 'delay',
  transaction: 'transaction',
};

export function sendAttributes({ topic, properties, bodyBytes, messageCount, kind }: SendHookContext): Attributes {
  const type = properties[PropertyName.SHARDING_KEY] === undefined ? MESSAGE_TYPES[kind] : 'fifo';
  return {
    'messaging.system': 'rocketmq',
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.destination.name': topic,
    'messaging.message.body.size': bodyBytes,
    ...(messageCount > 1 || kind === 'batch' ? { 'messaging.batch.message_count': messageCount } : {}),
    ...(type === undefined ? {} : { 'messaging.rocketmq.message.type': type }),
    ...ofMessage(properties),
  };
}

export function consumeAttributes({ group, queue, messages, consumer }: ConsumeCall): Attributes {
  const [first] = messages;
  const { clientId, options } = consumer.instance;
  const namespace = options.namespaceV2 ?? options.namespace;
  return {
    'messaging.system': 'rocketmq',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    // Of a message that comes again, where it was sent to.
    'messaging.destination.name': first?.topic ?? queue.topic,
    'messaging.destination.partition.id': `${queue.brokerName}:${queue.queueId}`,
    'messaging.consumer.group.name': group,
    'messaging.client.id': clientId,
    'messaging.rocketmq.consumption_model': consumer.options.messageModel.toLowerCase(),
    ...(namespace === undefined ? {} : { 'messaging.rocketmq.namespace': namespace }),
    ...(messages.length === 1 && first !== undefined
      ? {
          'messaging.message.id': first.msgId,
          'messaging.message.body.size': first.body.length,
          // No convention has this: 1 is the first delivery.
          'rocketnest.delivery_attempt': first.reconsumeTimes + 1,
          ...ofMessage(first.properties),
        }
      : { 'messaging.batch.message_count': messages.length }),
  };
}

function ofMessage(properties: Readonly<Record<string, string>>): Attributes {
  const { TAGS, KEYS, DELAY, SHARDING_KEY, TIMER_DELIVER_MS } = PropertyName;
  const [tag, keys, level, group, deliverAt] = [TAGS, KEYS, DELAY, SHARDING_KEY, TIMER_DELIVER_MS].map(
    (name) => properties[name],
  );
  return {
    ...(tag ? { 'messaging.rocketmq.message.tag': tag } : {}),
    ...(keys ? { 'messaging.rocketmq.message.keys': keys.split(' ').filter((key) => key !== '') } : {}),
    ...(level ? { 'messaging.rocketmq.message.delay_time_level': Number(level) } : {}),
    ...(deliverAt ? { 'messaging.rocketmq.message.delivery_timestamp': Number(deliverAt) } : {}),
    ...(group ? { 'messaging.rocketmq.message.group': group } : {}),
  };
}
