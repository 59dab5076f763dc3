import type { LoggerService } from '@nestjs/common';
import { HttpException } from '@nestjs/common';
import type { ClientInstance, ConsumeOutcome, MessageExt, MessageQueue } from '@rocketnest/client';
import { ConnectionError, dlqTopic, PropertyName, PushConsumer } from '@rocketnest/client';
import { isObservable, lastValueFrom } from 'rxjs';
import { RocketMQContext } from '../context.js';
import { formatSubscription, formatTags } from '../destination.js';
import type { Invoke } from '../handlers/invoker.js';
import type { CheckedModuleOptions } from '../options.js';
import { ConsumeResult, isFinal } from '../outcome.js';
import type { PayloadDeserializer, PayloadType } from '../payload/deserializer.js';
import type { ConsumerPlan, Listener } from './plan.js';
import { route } from './plan.js';

/** A listener and how it runs. */
export interface RunnableListener extends Listener {
  readonly invoke: Invoke;
  readonly deserializer: PayloadDeserializer;
  readonly payloadType: PayloadType | undefined;
}

/** What a container needs of its connection. */
export interface ContainerHome {
  readonly logger: LoggerService;
  readonly options: Pick<CheckedModuleOptions, 'consumer' | 'shutdownTimeoutMs' | 'startMode'>;
  readonly instance: ClientInstance;
}

/** `waiting`: no name server answers yet, and `startMode` is `background`. */
export type ContainerState = 'created' | 'waiting' | 'running' | 'paused' | 'stopped';

/** Pause between attempts to start in the background. */
const START_RETRY_MS = 1_000;

/** Deliveries after the first where neither listener nor module sets a number. Java: getMaxReconsumeTimes. */
const DEFAULT_RETRIES = { CONCURRENTLY: 16, ORDERLY: Number.POSITIVE_INFINITY } as const;

/** The consumer of one group and its listeners. Get one from `RocketMQListenerRegistry` to stop and start it at run time. */
export class RocketMQListenerContainer {
  #consumer: PushConsumer | undefined;
  #state: ContainerState = 'created';
  #retry: NodeJS.Timeout | undefined;

  constructor(
    private readonly plan: ConsumerPlan<RunnableListener>,
    private readonly connection: ContainerHome,
  ) {}

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
    return this.plan.settings.autoStartup ?? true;
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
    const { autoStartup: _, ...settings } = this.plan.settings;
    const { consumer: defaults, shutdownTimeoutMs } = this.connection.options;
    const consumer = new PushConsumer(
      { ...defaults, shutdownTimeoutMs, ...settings, group: this.group },
      this.connection.instance,
    );
    for (const { topic, tags, sql92 } of this.plan.subscriptions) {
      consumer.subscribe(topic, sql92 === undefined ? formatTags(tags) : { sql92 });
    }
    consumer.listen(([message], { queue }) => this.#consume(message!, queue));
    // Set before start, so that stop() during a start closes it.
    this.#consumer = consumer;
    try {
      await consumer.start();
    } catch (error) {
      this.#consumer = undefined;
      throw error;
    }
    this.#state = 'running';
    for (const line of this.#describe()) this.connection.logger.log(line);
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
  }

  *#describe(): Iterable<string> {
    const { settings, listeners, group } = this.plan;
    const { consumer: defaults } = this.connection.options;
    const mode = settings.consumeMode ?? defaults?.consumeMode;
    const model = settings.messageModel ?? defaults?.messageModel;
    const facts = [
      `concurrency ${settings.concurrency ?? defaults?.concurrency ?? 20}`,
      ...(mode === 'ORDERLY' ? ['orderly'] : []),
      ...(model === 'BROADCASTING' ? ['broadcasting'] : []),
      ...(this.plan.connection === 'default' ? [] : [`connection ${this.plan.connection}`]),
    ];
    for (const { label, settings: listener } of listeners) {
      yield `Mapped {${group}} ${formatSubscription(listener.subscription)} → ${label} (${facts.join(', ')})`;
    }
  }

  async #consume(message: MessageExt, queue: MessageQueue): Promise<ConsumeOutcome | undefined> {
    const listener = route(this.plan.listeners, message.topic, message.properties[PropertyName.TAGS]);
    if (listener === undefined) {
      this.connection.logger.error(
        `No listener of group ${this.group} takes message ${message.msgId} of topic ${message.topic}, tag ${message.properties[PropertyName.TAGS] ?? '(none)'}. It will be delivered again.`,
      );
      return { action: 'retry' };
    }
    const context = new RocketMQContext([message, { connection: this.plan.connection, group: this.group, queue }]);
    try {
      const payload = await listener.deserializer.deserialize(message, listener.payloadType);
      const returned = await listener.invoke(payload, context);
      // What a filter returns comes here as it is, and RPC filters return streams.
      const result = isObservable(returned) ? await lastValueFrom(returned, { defaultValue: undefined }) : returned;
      return result instanceof ConsumeResult ? this.#chosen(listener, message, result) : undefined;
    } catch (error) {
      return this.#failed(listener, message, error);
    }
  }

  /** The handler chose an outcome. */
  #chosen(listener: RunnableListener, message: MessageExt, { outcome }: ConsumeResult): ConsumeOutcome {
    if (outcome.action === 'dead-letter') {
      this.connection.logger.warn(
        `${this.#subject(listener, message)} ${this.#deadLetterWords(outcome.reason ?? 'as its handler asked')}`,
      );
      return { action: 'dead-letter' };
    }
    if (outcome.action === 'retry' && this.#orderly) return this.#suspend(listener);
    if (outcome.action === 'suspend' && !this.#orderly) {
      this.connection.logger.warn(
        `${listener.label} returned ConsumeResult.suspend, which only ORDERLY listeners can. The message is delivered again later.`,
      );
      return { action: 'retry' };
    }
    return outcome;
  }

  #failed(listener: RunnableListener, message: MessageExt, error: unknown): ConsumeOutcome {
    const { delayLevel } = listener.settings;
    const reason = describeError(error);
    const subject = `${this.#subject(listener, message)} failed in ${listener.label}, attempt ${message.reconsumeTimes + 1} of ${this.#attempts}:`;
    if (isFinal(error) || delayLevel === -1) {
      this.connection.logger.error(`${subject} ${this.#deadLetterWords(reason)}`);
      return { action: 'dead-letter' };
    }
    const next = this.#broadcasting ? 'Broadcasting delivers once, so it is lost here' : 'It will be delivered again';
    const stack = error instanceof Error ? error.stack : undefined;
    this.connection.logger.error(`${subject} ${reason}. ${next}.`, ...(stack === undefined ? [] : [stack]));
    if (this.#orderly) return this.#suspend(listener);
    return delayLevel === 0 ? { action: 'retry' } : { action: 'retry', delayLevel };
  }

  #suspend({ settings: { suspendMs } }: RunnableListener): ConsumeOutcome {
    return suspendMs === undefined ? { action: 'suspend' } : { action: 'suspend', ms: suspendMs };
  }

  #subject(listener: RunnableListener, { msgId, topic }: MessageExt): string {
    return `Message ${msgId} of topic ${topic} (group ${listener.settings.group})`;
  }

  #deadLetterWords(reason: string): string {
    return this.#broadcasting
      ? `${reason}. Broadcasting has no dead letters, so it is lost here.`
      : `${reason}. Moved to ${dlqTopic(this.group)}.`;
  }

  get #orderly(): boolean {
    return (this.plan.settings.consumeMode ?? this.connection.options.consumer?.consumeMode) === 'ORDERLY';
  }

  get #broadcasting(): boolean {
    return (this.plan.settings.messageModel ?? this.connection.options.consumer?.messageModel) === 'BROADCASTING';
  }

  get #attempts(): number | string {
    const set = this.plan.settings.maxReconsumeTimes ?? this.connection.options.consumer?.maxReconsumeTimes ?? -1;
    const retries = set >= 0 ? set : DEFAULT_RETRIES[this.#orderly ? 'ORDERLY' : 'CONCURRENTLY'];
    return Number.isFinite(retries) ? retries + 1 : 'any number';
  }
}

function describeError(error: unknown): string {
  // ValidationPipe keeps what is wrong with which property in the response.
  const details = error instanceof HttpException ? (error.getResponse() as { message?: unknown }).message : undefined;
  if (Array.isArray(details)) return `${(error as Error).name}: ${details.join(', ')}`;
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  // Nest's RPC filters turn errors into plain objects with a message.
  const message = (error as { message?: unknown } | null | undefined)?.message;
  return typeof message === 'string' ? message : String(error);
}
