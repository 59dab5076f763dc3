import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessageExt } from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import { unique, waitFor } from '@rocketnest/testing';
import {
  type MessageHandler,
  PushConsumer,
  type PushConsumerOptions,
  type SubscriptionFilter,
} from '../../src/consumer/index.js';
import { ClientInstance } from '../../src/instance.js';
import { Producer } from '../../src/producer/producer.js';
import { TestCluster } from '../support/cluster.js';

export { unique };

/** Retries come after a second, or two. */
const DELAY_LEVELS = '1s 1s 1s 1s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s';

type ConsumerOverrides = Partial<PushConsumerOptions> & { topic: string; expression?: SubscriptionFilter };

/**
 * A cluster with a producer, and consumers that are closed with it. An external cluster (see TestCluster) needs the delay
 * levels above and enablePropertyFilter=true.
 */
export class Testbed {
  private readonly open: { close(): Promise<unknown> }[] = [];
  private readonly directories: string[] = [];

  private constructor(
    private readonly cluster: TestCluster,
    readonly instance: ClientInstance,
    readonly producer: Producer,
  ) {
    this.open.push(cluster, instance, producer);
  }

  static async start(): Promise<Testbed> {
    const cluster = await TestCluster.start({
      broker: { messageDelayLevel: DELAY_LEVELS, enablePropertyFilter: true },
    });
    const instance = new ClientInstance({ namesrvAddr: cluster.namesrvAddr });
    await instance.start();
    const producer = new Producer({ group: unique('producers') }, instance);
    await producer.start();
    return new Testbed(cluster, instance, producer);
  }

  get namesrvAddr(): string {
    return this.cluster.namesrvAddr;
  }

  /** Creates a topic and waits until the name server knows it. */
  async topic(queues = 4): Promise<string> {
    const topic = await this.cluster.topic(queues);
    await until(async () => (await this.instance.routes.refresh(topic)) !== null, 'the topic to be known');
    return topic;
  }

  /** All messages of a topic. */
  messages(topic: string): Promise<MessageExt[]> {
    return this.cluster.messages(topic);
  }

  /** Gives a topic more queues. */
  async widen(topic: string, queues: number): Promise<void> {
    await this.cluster.admin.topics.create({ topic, queues });
  }

  /** Some broker of the cluster. */
  async brokerAddress(): Promise<string> {
    const route = await this.instance.api.topicRoute('TBW102');
    return route!.brokerDatas[0]!.brokerAddrs[0]!;
  }

  /** A consumer of one topic, not started. */
  consumer({ topic, expression, ...options }: ConsumerOverrides, handler: MessageHandler): PushConsumer {
    const consumer = new PushConsumer({
      namesrvAddr: this.namesrvAddr,
      group: unique('group'),
      consumeFrom: 'FIRST_OFFSET',
      pullRetryDelayMs: 200,
      shutdownTimeoutMs: 5_000,
      ...options,
    });
    this.open.push(consumer);
    return consumer.subscribe(topic, expression).listen(handler);
  }

  /** Sends bodies to one queue, in order. */
  async send(topic: string, queueId: number, bodies: readonly string[], tags?: string): Promise<void> {
    const route = await this.instance.routes.find(topic);
    const queue = route.publishQueues.find((candidate) => candidate.queueId === queueId)!;
    for (const body of bodies)
      await this.producer.send({ topic, body, ...(tags === undefined ? {} : { tags }) }, { queue });
  }

  /** What the broker would hand to a restarted member of the group. */
  async committedOffset(group: string, topic: string, queueId: number): Promise<number | null> {
    const fields = { consumerGroup: group, topic, queueId, setZeroIfNotFound: false };
    return this.instance.api.consumerOffset(await this.brokerAddress(), fields);
  }

  async tempDir(): Promise<string> {
    const dir = await mkdtemp(join(tmpdir(), 'rocketnest-consumer-'));
    this.directories.push(dir);
    return dir;
  }

  async close(): Promise<void> {
    for (const part of this.open.splice(0).reverse()) await part.close();
    for (const dir of this.directories.splice(0)) await rm(dir, { recursive: true, force: true });
  }
}

/** Waits for a condition, at most `timeoutMs`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 15_000,
): Promise<void> {
  await waitFor(condition, { what, timeoutMs });
}

export const bodyOf = (message: MessageExt): string => message.body.toString();

export const range = (count: number, prefix = 'm'): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);

/** Keeps what is logged. */
export class LogKeeper implements Logger {
  readonly lines: { level: string; message: string; fields?: object }[] = [];
  readonly debug = (message: string, fields?: object) => this.keep('debug', message, fields);
  readonly info = (message: string, fields?: object) => this.keep('info', message, fields);
  readonly warn = (message: string, fields?: object) => this.keep('warn', message, fields);
  readonly error = (message: string, fields?: object) => this.keep('error', message, fields);

  of(level: string): { message: string; fields?: object }[] {
    return this.lines.filter((line) => line.level === level);
  }

  private keep(level: string, message: string, fields?: object): void {
    this.lines.push({ level, message, ...(fields === undefined ? {} : { fields }) });
  }
}
