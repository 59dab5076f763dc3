import { afterAll, afterEach, beforeAll, it } from '@jest/globals';
import {
  Admin,
  type MessageExt,
  type MessageHandler,
  Producer,
  type ProducerOptionsInput,
  PushConsumer,
  type PushConsumerOptions,
  type SubscriptionFilter,
  TransactionProducer,
  type TransactionProducerOptionsInput,
} from '@rocketnest/client';
import { unique, type WaitForOptions, waitFor } from '@rocketnest/testing';
import { type ServerKind, type ServerOptions, Servers } from '../../support/servers.js';
import { serverOptions } from './server-options.js';

/** Whose servers this run is against. Use it for `only5`, not to expect different things. */
export const kind = fromEnvironment('CONFORMANCE_BROKER') as ServerKind;

/** A test of what RocketMQ 5 brought: skipped on 4.9. */
export const only5: typeof it = kind === 'apache-4.9' ? (it.skip as typeof it) : it;

/** Time that a message, a member or a new topic may take on a machine that is several times slower than it should be. */
export const PATIENCE_MS = 45_000;

/** What clients of tests are told unless a test says otherwise: the defaults make a test wait for the next poll. */
const clientOptions = {
  requestTimeoutMs: 20_000,
  pollNameServerIntervalMs: 1_000,
};

/** What a consumer received, in order of arrival. */
export class Inbox {
  readonly messages: MessageExt[] = [];
  constructor(readonly consumer: PushConsumer) {}

  get bodies(): string[] {
    return this.messages.map(({ body }) => body.toString());
  }

  /** Resolves with all messages when at least `count` are there. */
  async until(count: number, options: WaitForOptions = {}): Promise<MessageExt[]> {
    await waitFor(() => this.messages.length >= count, {
      timeoutMs: PATIENCE_MS,
      what: `${count} messages in group ${this.consumer.group}`,
      ...options,
    });
    return this.messages;
  }
}

/** The run's servers as one test file uses them. Everything it opens is closed after the test that opened it. */
export class ConformanceCluster {
  readonly namesrvAddr = fromEnvironment('CONFORMANCE_NAMESRV');
  /** Started before the first test of the file. */
  readonly admin = new Admin({ namesrvAddr: this.namesrvAddr, ...clientOptions });
  readonly #open: (() => unknown)[] = [];

  /** A new topic on both brokers. */
  async topic(queuesPerBroker = 4): Promise<string> {
    const topic = unique('topic');
    await this.admin.topics.create({ topic, queues: queuesPerBroker });
    return topic;
  }

  /** A name for a new group. */
  group(): string {
    return unique('group');
  }

  /** Runs after the test, before what was opened earlier is closed. */
  closeLater(close: () => unknown): void {
    this.#open.push(close);
  }

  /** Started. */
  async producer(options: Partial<ProducerOptionsInput> = {}): Promise<Producer> {
    const producer = new Producer({ ...this.#producerOptions(), ...options });
    this.closeLater(() => producer.close());
    await producer.start();
    return producer;
  }

  /** Started. */
  async transactionProducer(
    options: Partial<TransactionProducerOptionsInput> & Pick<TransactionProducerOptionsInput, 'checker'>,
  ): Promise<TransactionProducer> {
    const producer = new TransactionProducer({ ...this.#producerOptions(), ...options });
    this.closeLater(() => producer.close());
    await producer.start();
    return producer;
  }

  /** Not started: subscribe first. Reads a topic from its first message unless told otherwise. */
  pushConsumer(options: Partial<PushConsumerOptions> = {}): PushConsumer {
    const consumer = new PushConsumer({
      ...clientOptions,
      namesrvAddr: this.namesrvAddr,
      group: this.group(),
      consumeFrom: 'FIRST_OFFSET',
      rebalanceIntervalMs: 1_000,
      persistConsumerOffsetIntervalMs: 500,
      suspendCurrentQueueTimeMs: 100,
      ...options,
    });
    this.closeLater(() => consumer.close());
    return consumer;
  }

  /** A started consumer of these topics, and what it received. Without a handler every message is consumed. */
  async consume(
    topics: string | readonly string[],
    options: Partial<PushConsumerOptions> & {
      readonly filter?: SubscriptionFilter;
      readonly handler?: MessageHandler;
    } = {},
  ): Promise<Inbox> {
    const { filter, handler, ...rest } = options;
    const consumer = this.pushConsumer(rest);
    const inbox = new Inbox(consumer);
    for (const topic of typeof topics === 'string' ? [topics] : topics) consumer.subscribe(topic, filter);
    consumer.listen((messages, context) => {
      inbox.messages.push(...messages);
      return handler?.(messages, context);
    });
    await consumer.start();
    return inbox;
  }

  /** Servers of this file's own, to stop, kill and restart. Costs about 10 s with Apache's: one start per file at most. */
  async ownServers(options: ServerOptions = {}): Promise<Servers> {
    const servers = await Servers.start(kind, {
      ...options,
      broker: { ...serverOptions.broker, ...options.broker },
    });
    this.closeLater(() => servers[Symbol.asyncDispose]());
    return servers;
  }

  /** Last in, first out; every one is closed even when one fails. */
  async closeAll(): Promise<void> {
    const outcomes: unknown[] = [];
    for (const close of this.#open.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        outcomes.push(error);
      }
    }
    if (outcomes.length > 0) throw new AggregateError(outcomes, 'what the test opened could not be closed');
  }

  #producerOptions() {
    return { ...clientOptions, namesrvAddr: this.namesrvAddr, group: this.group(), sendTimeoutMs: 20_000 };
  }
}

/** Once at the top of a test file: the cluster, started before its tests and closed after them. */
export function useCluster(): ConformanceCluster {
  const cluster = new ConformanceCluster();
  beforeAll(() => cluster.admin.start());
  afterEach(() => cluster.closeAll());
  afterAll(() => cluster.admin.close());
  return cluster;
}

function fromEnvironment(name: string): string {
  const value = process.env[name];
  if (value !== undefined) return value;
  throw new Error(
    `${name} is not set. The servers are started by: npm run test:conformance -- --broker rocketnest FILE`,
  );
}
