import { ConfigurationError, isSystemTopic, PermName, Requests, validateTopic } from '@rocketnest/protocol';
import type { ClientInstance } from '../instance.js';
import { MASTER_ID } from '../routes.js';
import type { ProducerOptions } from './producer-options.js';

/** A topic as createTopic makes it. */
export interface CreateTopicOptions {
  /** Queues on each broker, for reading and writing. Default: the producer's defaultTopicQueueNums. */
  readonly queues?: number;
  /** Bits of TopicSysFlag. Default 0. */
  readonly topicSysFlag?: number;
  /** The topic is created on the brokers of this one. Default: on those of createTopicKey (TBW102), on which topics are created on demand. */
  readonly like?: string;
}

const VISIBLE_WITHIN_MS = 10_000;
const VISIBLE_POLL_MS = 50;

/**
 * Creates a topic on every master that has `like`, and waits until name servers know it. Java: MQAdminImpl.createTopic.
 * @throws ConfigurationError on a bad name or number; NoRouteError when no broker has `like`; ResponseError when a broker refuses
 */
export async function createTopic(
  instance: ClientInstance,
  producer: ProducerOptions,
  topic: string,
  options: CreateTopicOptions,
): Promise<void> {
  const { queues = producer.defaultTopicQueueNums, topicSysFlag = 0, like = producer.createTopicKey } = options;
  validateTopic(topic);
  const refuse = (why: string): never => {
    throw new ConfigurationError(`Topic ${topic} cannot be created: ${why}`, { context: { topic, queues } });
  };
  if (isSystemTopic(topic)) refuse('the name is one of the system. Choose another.');
  if (!Number.isSafeInteger(queues) || queues < 1) refuse(`queues must be a whole number >= 1, got ${queues}.`);

  const template = await instance.api.topicRoute(like);
  if (template === null) throw instance.routes.noRoute(like);
  const brokers = template.brokerDatas.filter(({ brokerAddrs }) => brokerAddrs[MASTER_ID] !== undefined);
  const request = {
    topic,
    defaultTopic: like,
    readQueueNums: queues,
    writeQueueNums: queues,
    perm: PermName.READ | PermName.WRITE,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag,
    order: false,
  };
  await Promise.all(
    brokers.map(({ brokerAddrs }) =>
      instance.api.call(brokerAddrs[MASTER_ID]!, Requests.updateAndCreateTopic, request),
    ),
  );

  const deadline = performance.now() + VISIBLE_WITHIN_MS;
  while (performance.now() < deadline && !instance.closed) {
    const names = (await instance.routes.refresh(topic))?.brokerNames ?? [];
    if (brokers.every(({ brokerName }) => names.includes(brokerName))) return;
    await new Promise((resolve) => setTimeout(resolve, VISIBLE_POLL_MS));
  }
}
