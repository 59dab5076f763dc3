import type { LoggerService } from '@nestjs/common';
import type { ClientInstance, ClientOptionsInput, MessageQueue, SharedPushConsumerOptions } from '@rocketnest/client';
import { ConnectionError, Producer, PushConsumer, pushConsumerOptionTable } from '@rocketnest/client';
import { checkValue, must } from '../checks.js';
import { formatSubscription, formatTags } from '../destination.js';
import type { PublishEvent } from '../events/events.js';
import { ConsumeWatch } from '../operations/instrumentation.js';
import type { CheckedModuleOptions } from '../options.js';
import type { PayloadSerializer } from '../payload/serializer.js';
import { Replier } from '../reply.js';
import { describeError } from './describe-error.js';
import type { RunnableListener } from './dispatcher.js';
import { Dispatcher } from './dispatcher.js';
import { GroupRules } from './group-rules.js';
import { type FateObserver, Judge } from './judge.js';
import type { ClientSettings } from './listener-options.js';
import type { ConsumerPlan } from './plan.js';

export type { RunnableListener } from './dispatcher.js';

/** What a container needs of its connection. */
export interface ContainerHome {
  readonly logger: LoggerService;
  readonly options: Pick<
    CheckedModuleOptions,
    'consumer' | 'shutdownTimeoutMs' | 'startMode' | 'autoStartup' | 'instrumentations'
  >;
  readonly instance: ClientInstance;
  readonly producer: Producer;
  readonly serializer: PayloadSerializer;
  newInstance(options: Partial<ClientOptionsInput>): ClientInstance;
  /** Where consumers are not those of the client: in tests. */
  newConsumer?(options: SharedPushConsumerOptions, instance: ClientInstance): PushConsumer;
}

/** `waiting`: no name server answers yet, and `startMode` is `background`. */
export type ContainerState = 'created' | 'waiting' | 'running' | 'paused' | 'stopped';

/** Pause between attempts to start in the background. */
const START_RETRY_MS = 1_000;

/** Group of producers that only send replies. */
const REPLY_PRODUCER_GROUP = 'rocketnest-replier';

/** The consumer of one group and its listeners. Get one from `RocketMQListenerRegistry` to stop and start it at run time. */
export class RocketMQListenerContainer {
  #consumer: PushConsumer | undefined;
  #state: ContainerState = 'created';
  #retry: NodeJS.Timeout | undefined;
  /** Of a group with options of its own; `undefined` while it is stopped. */
  #ownInstance: ClientInstance | undefined;
  #ownProducer: Promise<Producer> | undefined;
  /** What was set at run time stays over a stop. */
  readonly #changed: { concurrency?: number; rateLimit?: number | undefined } = {};
  readonly #rules: GroupRules;
  readonly #dispatcher: Dispatcher;
  readonly #watch: ConsumeWatch;
  #unwatch: (() => void) | undefined;

  constructor(
    private readonly plan: ConsumerPlan<RunnableListener>,
    private readonly connection: ContainerHome,
    private readonly publish: PublishEvent = () => undefined,
  ) {
    const { logger, serializer, options } = connection;
    this.#rules = new GroupRules(plan.group, plan.connection, plan.settings, options.consumer);
    this.#watch = new ConsumeWatch(plan.connection, options.instrumentations);
    const observe: FateObserver = ({ label }, message, fate, reason) => {
      if (fate === 'discard') this.#watch.discarded(message);
      const attempt = message.reconsumeTimes + 1;
      publish(fate, { connection: plan.connection, group: plan.group, listener: label, message, reason, attempt });
    };
    const judge = new Judge(this.#rules, logger, observe, (message, error) => this.#watch.failed(message, error));
    const replier = new Replier(() => this.#replyProducer(), serializer, logger);
    this.#dispatcher = new Dispatcher(plan, this.#rules, judge, replier, logger);
  }

  get group(): string {
    return this.plan.group;
  }

  get connectionName(): string {
    return this.plan.connection;
  }

  get state(): ContainerState {
    return this.#state;
  }

  /** `Class.method` of each listener. */
  get listeners(): readonly string[] {
    return this.plan.listeners.map(({ label }) => label);
  }

  /** What `registry.get` finds this container by: the listeners' ids and the group. */
  get ids(): readonly string[] {
    const own = this.plan.listeners.map(({ settings }) => settings.id).filter((id) => id !== undefined);
    return [...new Set([...own, this.group])];
  }

  get autoStartup(): boolean {
    return this.plan.settings.autoStartup ?? this.connection.options.autoStartup;
  }

  /** The client's consumer while running or paused. */
  get consumer(): PushConsumer | undefined {
    return this.#consumer;
  }

  /**
   * Starts consuming; also after `stop()`. Nothing happens when it runs already.
   * With `startMode: 'background'` and no name server it resolves at once, and consuming begins when one answers.
   */
  async start(): Promise<void> {
    if (this.#state === 'running' || this.#state === 'paused' || this.#state === 'waiting') return;
    try {
      await this.#startConsumer();
    } catch (error) {
      if (this.connection.options.startMode !== 'background' || !(error instanceof ConnectionError)) throw error;
      this.#waitForNameServer(error);
    }
  }

  async #startConsumer(): Promise<void> {
    try {
      const consumer = this.#createConsumer(await this.#instance());
      // Set before start, so that stop() during a start closes it.
      this.#consumer = consumer;
      await consumer.start();
      this.#unwatch = this.#watch.started(consumer);
    } catch (error) {
      this.#consumer = undefined;
      await this.#closeOwn();
      throw error;
    }
    this.#state = 'running';
    for (const line of this.#describe()) this.connection.logger.log(line);
  }

  #createConsumer(instance: ClientInstance): PushConsumer {
    const { autoStartup: _, ...settings } = this.plan.settings;
    const { consumer: defaults, shutdownTimeoutMs } = this.connection.options;
    const merged = { ...defaults, ...settings };
    const about = { connection: this.connectionName, group: this.group };
    const options = {
      ...merged,
      shutdownTimeoutMs: settings.shutdownTimeoutMs ?? shutdownTimeoutMs,
      ...this.#changed,
      group: this.group,
      onAssigned: (queue: MessageQueue) => {
        this.publish('assigned', { ...about, queue });
        merged.onAssigned?.(queue);
      },
      onRevoked: (queue: MessageQueue) => {
        this.publish('revoked', { ...about, queue });
        merged.onRevoked?.(queue);
      },
    };
    const consumer = this.connection.newConsumer?.(options, instance) ?? new PushConsumer(options, instance);
    for (const { topic, tags, sql92 } of this.plan.subscriptions) {
      consumer.subscribe(topic, sql92 === undefined ? formatTags(tags) : { sql92 });
    }
    return consumer.listen(
      this.#watch.around(consumer, (messages, { queue }) => this.#dispatcher.consume(messages, queue)),
    );
  }

  /** The connection's, or one with the group's own options. */
  async #instance(): Promise<ClientInstance> {
    if (Object.keys(this.plan.client).length === 0) return this.connection.instance;
    this.#ownInstance ??= this.connection.newInstance(toClientOptions(this.plan.client));
    await this.#ownInstance.start();
    return this.#ownInstance;
  }

  /** Replies go to the cluster that the requests came from. */
  #replyProducer(): Producer | Promise<Producer> {
    const instance = this.#ownInstance;
    if (instance === undefined) return this.connection.producer;
    this.#ownProducer ??= startProducer(instance);
    return this.#ownProducer;
  }

  async #closeOwn(): Promise<void> {
    const [producer, instance] = [this.#ownProducer, this.#ownInstance];
    this.#ownProducer = this.#ownInstance = undefined;
    await (await producer?.catch(() => undefined))?.close();
    await instance?.close();
  }

  #waitForNameServer(error: Error): void {
    this.#state = 'waiting';
    this.connection.logger.warn(`Group ${this.group} waits for a name server: ${error.message}`);
    this.#retry = setTimeout(() => {
      this.#state = 'created';
      this.start().catch((reason: unknown) => {
        this.connection.logger.error(`Group ${this.group} cannot start and gives up: ${describeError(reason)}`);
      });
    }, START_RETRY_MS);
  }

  /** Stops fetching; handlers that run finish. Queues stay with this process, and their messages wait. */
  pause(): void {
    if (this.#consumer === undefined) return;
    this.#consumer.pause();
    this.#state = 'paused';
  }

  resume(): void {
    if (this.#consumer === undefined) return;
    this.#consumer.resume();
    this.#state = 'running';
  }

  /** Waits for running handlers (up to the shutdown timeout), saves offsets and leaves the group; `start()` joins it again. */
  async stop(): Promise<void> {
    const consumer = this.#consumer;
    this.#consumer = undefined;
    this.#state = 'stopped';
    clearTimeout(this.#retry);
    await consumer?.close();
    this.#unwatch?.();
    this.#unwatch = undefined;
    await this.#closeOwn();
  }

  /** Handlers that may run at once, 1..1000, from now on and after the next `start()`. @throws ConfigurationError outside that range */
  setConcurrency(concurrency: number): void {
    this.#check('concurrency', concurrency);
    this.#changed.concurrency = concurrency;
    this.#consumer?.setConcurrency(concurrency);
  }

  /**
   * Messages a second that handlers get at most, from now on and after the next `start()`.
   * @param perSecond `undefined` lifts the limit
   * @throws ConfigurationError unless it is a number above 0
   */
  setRateLimit(perSecond: number | undefined): void {
    if (perSecond !== undefined) this.#check('rateLimit', perSecond);
    this.#changed.rateLimit = perSecond;
    this.#consumer?.setRateLimit(perSecond);
  }

  #check(key: 'concurrency' | 'rateLimit', value: number): void {
    const { expected, accepts } = pushConsumerOptionTable[key];
    checkValue(`Group ${this.group}: ${key}`, value, must.be(expected, accepts));
  }

  *#describe(): Iterable<string> {
    for (const { label, settings } of this.plan.listeners) {
      const facts = [
        ...this.#rules.facts,
        ...(settings.batch ? [`batches of ${this.#rules.batchFacts}`] : []),
        ...(settings.reply === undefined ? [] : ['replies']),
      ];
      yield `Mapped {${this.group}} ${formatSubscription(settings.subscription)} → ${label} (${facts.join(', ')})`;
    }
  }
}

function toClientOptions({ accessKey, secretKey, ...options }: ClientSettings): Partial<ClientOptionsInput> {
  return accessKey === undefined || secretKey === undefined
    ? options
    : { ...options, credentials: { accessKey, secretKey } };
}

async function startProducer(instance: ClientInstance): Promise<Producer> {
  const producer = new Producer({ group: REPLY_PRODUCER_GROUP }, instance);
  await producer.start();
  return producer;
}
