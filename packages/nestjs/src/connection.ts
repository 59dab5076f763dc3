import type { LoggerService, OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { ClientOptionsInput, MessageExt, OutgoingMessage, TransactionSendResult } from '@rocketnest/client';
import {
  ClientInstance,
  ClosedError,
  ConfigurationError,
  ConnectionError,
  Producer,
  TransactionProducer,
} from '@rocketnest/client';
import type { EmbeddedServers } from './embedded.js';
import { startEmbeddedServers } from './embedded.js';
import type { PublishEvent } from './events/events.js';
import type { RocketMQListenerContainer } from './listeners/container.js';
import { defaultLogger, toClientLogger } from './logging.js';
import { producerStarted, sendHooksOf } from './operations/instrumentation.js';
import type { CheckedModuleOptions, RocketMQModuleOptions } from './options.js';
import { checkModuleOptions } from './options.js';
import type { PayloadDeserializer } from './payload/deserializer.js';
import { JsonPayloadDeserializer } from './payload/deserializer.js';
import type { PayloadSerializer } from './payload/serializer.js';
import { JsonPayloadSerializer } from './payload/serializer.js';
import { Receiver } from './receiver.js';
import type { TransactionCallback, TransactionOptions } from './send-options.js';
import { patiently } from './startup.js';
import type { TopicDeclaration } from './topics.js';
import { ensureTopics } from './topics.js';
import type { TransactionListenerEntry, TransactionRouter } from './transactions/router.js';
import { TRANSACTION_LISTENER_PROPERTY } from './transactions/router.js';

/** Producer group where the module names none. Such a producer cannot be asked about transactions. */
const ANONYMOUS_GROUP = 'rocketnest-producer';

/** Exists on every cluster that creates topics on demand. */
const PROBE_TOPIC = 'TBW102';

/**
 * One RocketMQ cluster as the application sees it: addresses, options, the producer, and the embedded servers if there are
 * any. `forRoot` makes one per name.
 */
export class RocketMQConnection implements OnModuleInit, OnApplicationShutdown {
  readonly options: CheckedModuleOptions;
  readonly logger: LoggerService;
  readonly serializer: PayloadSerializer;
  readonly deserializer: PayloadDeserializer;
  /** Consumers of Nest transports on this connection; those of listeners are in the registry. */
  readonly transports = new Set<RocketMQListenerContainer>();
  /** Tells the application's `@OnRocketMQEvent` methods of what happens in transports; nobody before they are known. */
  publish: PublishEvent = () => undefined;
  /** Answer for transactions beside those that decorators declare; added before the application starts. */
  readonly transactionListeners: TransactionListenerEntry[] = [];

  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #embedded: EmbeddedServers | undefined;
  #instance: ClientInstance | undefined;
  #producer: Producer | undefined;
  #unwatch: (() => void) | undefined;
  #receiver: Receiver | undefined;
  #transactions: TransactionRouter | undefined;

  /**
   * @param path how the options were given, for error messages
   * @throws ConfigurationError naming the path of a bad option
   */
  constructor(
    readonly name: string,
    options: RocketMQModuleOptions,
    path = `RocketMQModule '${name}'`,
  ) {
    this.options = checkModuleOptions(path, options);
    this.logger = options.logger ?? defaultLogger();
    this.serializer = options.serializer ?? new JsonPayloadSerializer();
    this.deserializer = options.deserializer ?? new JsonPayloadDeserializer();
  }

  get enabled(): boolean {
    return this.options.enabled;
  }

  /** Between start and close. */
  get isRunning(): boolean {
    return this.#producer !== undefined;
  }

  /**
   * The name servers, `host:port;host:port`; those of a page or of the environment as far as they are known.
   * @throws ClosedError while embedded servers are not running, or nothing that knows a page
   */
  get namesrvAddr(): string {
    const { namesrvAddr } = this.#nameServers();
    return namesrvAddr ?? this.instance.nameServers.addresses.join(';');
  }

  /** Client options that say where the cluster is; none: the environment does. */
  #nameServers(): Pick<ClientOptionsInput, 'namesrvAddr' | 'nameServerEndpoint'> {
    const { namesrvAddr, nameServerEndpoint, embedded = false } = this.options;
    if (namesrvAddr !== undefined) {
      return { namesrvAddr: typeof namesrvAddr === 'string' ? namesrvAddr : namesrvAddr.join(';') };
    }
    if (nameServerEndpoint !== undefined) return { nameServerEndpoint };
    if (embedded === false) return {};
    if (this.#embedded !== undefined) return { namesrvAddr: this.#embedded.namesrvAddr };
    throw new ClosedError(`The embedded name server of ${this.#label} is not running. Await start() first.`);
  }

  /** The template's producer. @throws ClosedError before start and after close, or when the connection is disabled */
  get producer(): Producer {
    return this.#producer ?? this.#refuse();
  }

  /** What the producer and all consumers of this connection share: sockets, routes, heartbeats. @throws ClosedError as `producer` */
  get instance(): ClientInstance {
    return this.#instance ?? this.#refuse();
  }

  /** A further instance with other options than this connection's, for groups that need them. The caller starts and closes it. */
  newInstance(options: Partial<ClientOptionsInput>): ClientInstance {
    const logger = toClientLogger(this.logger, this.options.debug);
    const where = options.namesrvAddr === undefined ? this.#nameServers() : {};
    return new ClientInstance({ ...this.options.client, ...where, logger, ...options });
  }

  /**
   * Starts the embedded servers and the producer. Idempotent: Nest calls it, and whoever needs it sooner. A start that failed may be
   * tried again.
   */
  start(): Promise<void> {
    if (this.#starting !== undefined) return this.#starting;
    const starting = this.enabled ? this.#start() : Promise.resolve();
    this.#starting = starting;
    starting.catch(() => {
      if (this.#closing === undefined) this.#starting = undefined;
    });
    return starting;
  }

  /** Closes the producer, then the embedded servers. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The consumer behind the template's `receive`. @throws ConfigurationError when the module has no `pullConsumer`; ClosedError as `producer` */
  get receiver(): Receiver {
    if (this.#receiver !== undefined) return this.#receiver;
    if (this.options.pullConsumer !== undefined) return this.#refuse();
    throw new ConfigurationError(
      `${this.#label} has no pull consumer to receive with. Set pullConsumer: { topic, group } in its options.`,
    );
  }

  /**
   * Creates or verifies topics as they and `ensureTopics` say; in a started connection. With `startMode: 'wait'` brokers that are still
   * starting are waited for, with `'background'` nobody waits and what goes wrong is logged.
   * @throws ConfigurationError naming what is missing or different
   */
  async ensureTopics(topics: readonly TopicDeclaration[]): Promise<void> {
    if (!this.enabled) return;
    const { startMode } = this.options;
    const ensuring = patiently(() => ensureTopics(this, topics, this.options.ensureTopics), this.#patience('topics'));
    if (startMode !== 'background') return ensuring;
    ensuring.catch((error: Error) => this.logger.error(error.message));
  }

  /** Tells which listeners answer for transactions. Until then the broker's questions are answered UNKNOWN. */
  useTransactions(router: TransactionRouter): void {
    this.#transactions = router;
  }

  /** @throws ConfigurationError when transactions cannot work here */
  async sendInTransaction(
    message: OutgoingMessage,
    execute: TransactionCallback,
    { listener, ...options }: Pick<TransactionOptions, 'listener' | 'timeoutMs'>,
  ): Promise<TransactionSendResult> {
    const { producer } = this;
    if (!(producer instanceof TransactionProducer)) {
      throw new ConfigurationError(
        `Transactions need a producer group of the service's own, since the broker asks any producer of the group how they ended. ` +
          `Set producer: { group: 'my-service' } in ${this.#label}.`,
      );
    }
    const entry = this.#findListener(message, listener);
    if (entry === undefined && this.#transactions !== undefined) {
      this.logger.warn(
        `Transaction to topic ${message.topic}: no @RocketMQTransactionListener answers for it. If this process dies before the outcome is sent, the message is lost.`,
      );
    }
    if (listener === undefined) return producer.sendInTransaction(message, execute, options);
    const properties = { ...message.properties, [TRANSACTION_LISTENER_PROPERTY]: listener };
    return producer.sendInTransaction({ ...message, properties }, execute, options);
  }

  /** The local transaction of the listener responsible for a message. @throws ConfigurationError when there is none */
  localTransaction(
    message: OutgoingMessage,
    listener: string | undefined,
  ): NonNullable<TransactionListenerEntry['execute']> {
    const entry = this.#findListener(message, listener);
    if (entry?.execute !== undefined) return entry.execute;
    throw new ConfigurationError(
      entry === undefined
        ? `No @RocketMQTransactionListener answers for topic ${message.topic}. Add one, or use sendInTransaction with a callback.`
        : `${entry.label} has no executeLocalTransaction. Add it, or use sendInTransaction with a callback.`,
    );
  }

  onModuleInit(): Promise<void> {
    return this.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.close();
  }

  get #label(): string {
    return `RocketMQ connection '${this.name}'`;
  }

  #refuse(): never {
    const why = this.enabled
      ? 'is not started, or is closed: messages can be sent from onModuleInit of the modules that import it until onApplicationShutdown'
      : 'is disabled by `enabled: false`';
    throw new ClosedError(`${this.#label} ${why}.`, { context: { connection: this.name } });
  }

  async #start(): Promise<void> {
    const { embedded, client, instrumentations } = this.options;
    const options = { ...this.options.producer, hooks: sendHooksOf(this.options.producer?.hooks, instrumentations) };
    const logger = toClientLogger(this.logger, this.options.debug);
    try {
      if (embedded !== undefined && embedded !== false) {
        this.#embedded = await startEmbeddedServers(embedded === true ? {} : embedded, logger);
      }
      const instance = new ClientInstance({ ...client, ...this.#nameServers(), logger });
      this.#instance = instance;
      await instance.start();
      await this.#awaitNameServer(instance);
      const producer =
        options.group === undefined
          ? new Producer({ ...options, group: ANONYMOUS_GROUP }, instance)
          : new TransactionProducer(
              { ...options, group: options.group, checker: (message) => this.#check(message) },
              instance,
            );
      await producer.start();
      this.#producer = producer;
      this.#unwatch = producerStarted(producer, this.name, instrumentations);
      if (this.options.pullConsumer !== undefined) {
        this.#receiver = new Receiver(this.options.pullConsumer, instance, this.deserializer);
        if (this.options.startMode !== 'background') await this.#receiver.consumer.start();
      }
      await this.ensureTopics(this.options.topics ?? []);
    } catch (error) {
      await this.#release();
      throw error;
    }
  }

  async #close(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    await this.#release();
  }

  /** Clients before servers: a producer tells the broker that it leaves. */
  async #release(): Promise<void> {
    this.#unwatch?.();
    this.#unwatch = undefined;
    const closing = [this.#receiver?.consumer, this.#producer, this.#instance, this.#embedded];
    this.#receiver = this.#producer = this.#instance = this.#embedded = undefined;
    for (const part of closing) await part?.close();
  }

  async #awaitNameServer(instance: ClientInstance): Promise<void> {
    if (this.options.startMode === 'background') return;
    try {
      // Which topic does not matter: any answer is a name server's.
      await patiently(
        () => instance.api.topicRoute(PROBE_TOPIC).then(() => undefined),
        this.#patience('a name server'),
      );
    } catch (error) {
      throw new ConnectionError(
        `${this.#label} cannot start: ${(error as Error).message} To start before the name server, set startMode: 'wait' or 'background'.`,
        { cause: error, context: { connection: this.name, namesrvAddr: this.namesrvAddr } },
      );
    }
  }

  /** @param what is waited for, for the log */
  #patience(what: string) {
    const { startMode, startTimeoutMs } = this.options;
    return {
      forMs: { 'fail-fast': 0, wait: startTimeoutMs, background: Number.POSITIVE_INFINITY }[startMode],
      isOver: () => this.#closing !== undefined,
      onFailure: (error: Error) => this.logger.warn(`${this.#label} waits for ${what}: ${error.message}`),
    };
  }

  async #check(message: MessageExt) {
    // Asked before the application is up: its listeners may depend on what is still starting. The broker will ask again.
    if (this.#transactions === undefined) return 'UNKNOWN' as const;
    return this.#transactions.check(message, (text, cause) =>
      this.logger.error(text, cause instanceof Error ? cause.stack : cause),
    );
  }

  #findListener({ topic, tags }: OutgoingMessage, listener: string | undefined): TransactionListenerEntry | undefined {
    const entry = this.#transactions?.find({ topic, tag: tags, listener });
    if (entry === undefined && listener !== undefined && this.#transactions !== undefined) {
      throw new ConfigurationError(
        `No @RocketMQTransactionListener is named '${listener}'. Known: ${this.#transactions.names()}.`,
      );
    }
    return entry;
  }
}
