import {
  ClosedError,
  ConfigurationError,
  type MessageExt,
  PropertyName,
  SendError,
  validateGroup,
} from '@rocketnest/protocol';
import { ClientInstance } from '../instance.js';
import type { MessageQueue } from '../message-queue.js';
import { clientOptionTable, pickOptions, resolveOptions } from '../options.js';
import type { ClientStatus, StatusListener } from '../status.js';
import { MessageTrace } from '../trace/message-trace.js';
import { createSendTrace } from '../trace/send-trace.js';
import type { TraceStats } from '../trace/trace-dispatcher.js';
import { AutoBatch } from './auto-batch.js';
import { prepareBatch } from './batch.js';
import { type CreateTopicOptions, createTopic } from './create-topic.js';
import { FaultDetector } from './fault-detector.js';
import { sendNamespaced } from './namespaced.js';
import { OnewaySender } from './oneway-sender.js';
import {
  checkSendTopic,
  messageId,
  type OutgoingMessage,
  type PreparedMessage,
  prepareMessage,
} from './outgoing-message.js';
import { type ProducerOptions, type ProducerOptionsInput, producerOptionTable } from './producer-options.js';
import { QueuePickers } from './queue-pickers.js';
import { recallMessage } from './recall.js';
import { Requester, type RequestOptions } from './requester.js';
import type { SendHooks } from './send-hook.js';
import type { QueuePicker } from './send-operation.js';
import type { SendOptions } from './send-options.js';
import { SendPipeline } from './send-pipeline.js';
import type { SendCallback, SendResult } from './send-result.js';

/** Options of a producer on a shared instance: those of the client are the instance's. */
export type SharedProducerOptionsInput = Omit<ProducerOptionsInput, keyof typeof clientOptionTable>;

type State = 'created' | 'running' | 'closing' | 'closed';

/**
 * Sends messages. One per process and group is enough: it pipelines thousands of sends over one connection per broker.
 * Java: DefaultMQProducer.
 *
 * ```ts
 * const producer = new Producer({ namesrvAddr: '127.0.0.1:9876', group: 'orders-service' });
 * await producer.start();
 * await producer.send({ topic: 'orders', tags: 'created', keys: order.id, body: JSON.stringify(order) });
 * await producer.close();
 * ```
 */
export class Producer {
  readonly options: ProducerOptions;
  readonly group: string;
  /** Connections and routes; shared with others if it was given to the constructor. */
  readonly instance: ClientInstance;

  /** The group as brokers know it: with the namespace. */
  protected readonly wireGroup: string;
  private readonly ownsInstance: boolean;
  private readonly pipeline: SendPipeline;
  private readonly oneway: OnewaySender;
  private readonly requester: Requester;
  private readonly detector: FaultDetector | undefined;
  /** Undefined unless autoBatch. */
  private readonly autoBatch: AutoBatch | undefined;
  private readonly trace: MessageTrace | undefined;
  private readonly pickers: QueuePickers;
  private readonly createMsgId = (): string => this.instance.nextMessageId();
  private state: State = 'created';
  private closing: Promise<void> | undefined;

  /**
   * @param instance a shared client instance, which the caller starts and closes; default: one of its own
   * @throws ConfigurationError on bad options
   */
  constructor(options: ProducerOptionsInput);
  constructor(options: SharedProducerOptionsInput, instance: ClientInstance);
  constructor(options: ProducerOptionsInput | SharedProducerOptionsInput, instance?: ClientInstance) {
    this.options = resolveOptions(producerOptionTable, { ...instance?.options, ...options }, new.target.name);
    this.group = this.options.group;
    this.ownsInstance = instance === undefined;
    this.instance = instance ?? new ClientInstance(pickOptions(clientOptionTable, this.options));
    this.wireGroup = this.instance.namespace.wrapGroup(this.group);
    validateGroup(this.wireGroup);
    const named = { ...this.options, group: this.wireGroup };
    this.trace = named.traceEnable ? new MessageTrace(this.instance, named, 'PRODUCE') : undefined;
    const hooks = this.trace === undefined ? named.hooks : [...named.hooks, createSendTrace(this.trace)];
    const wireOptions = { ...named, hooks };
    this.pipeline = new SendPipeline(this.instance, wireOptions);
    this.pickers = new QueuePickers(this.pipeline.faults);
    this.oneway = new OnewaySender(this.instance, wireOptions, this.pipeline.hooks);
    this.autoBatch = named.autoBatch ? new AutoBatch(this.instance, named, this.pipeline, this.pickers) : undefined;
    this.detector =
      named.startDetectorEnable && this.pipeline.faults !== undefined
        ? new FaultDetector(this.instance, named, this.pipeline.faults, this.pickers)
        : undefined;
    this.requester = new Requester(this.instance, wireOptions, this.pipeline);
  }

  /** Joins its group. Opens no connection: the first send does. Idempotent. @throws ConfigurationError when the group is taken */
  async start(): Promise<void> {
    if (this.state === 'running') return;
    if (this.state !== 'created') throw this.closedError();
    this.instance.registerProducer(this.wireGroup, { topics: () => this.topics(), ...this.registration() });
    this.trace?.start();
    this.detector?.start();
    this.state = 'running';
    if (this.ownsInstance) await this.instance.start();
  }

  /** Topics whose routes the instance keeps fresh. */
  protected *topics(): Iterable<string> {
    yield* this.pickers.topics();
    yield* this.requester.topics();
  }

  /** What a subclass adds to its group's registration. */
  protected registration(): {
    checkTransaction?: Parameters<ClientInstance['registerProducer']>[1]['checkTransaction'];
  } {
    return {};
  }

  /** How the client stands with its name servers and brokers. */
  get status(): ClientStatus {
    return this.instance.status;
  }

  /** Calls `listener` with every change of {@link status}. @returns a function that ends that */
  onStatus(listener: StatusListener): () => void {
    return this.instance.onStatus(listener);
  }

  /** Refuses new sends, waits for those under way up to closeTimeoutMs, fails the rest, leaves the group. Idempotent. */
  close(): Promise<void> {
    this.closing ??= this.shutdown();
    return this.closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private async shutdown(): Promise<void> {
    const started = this.state === 'running';
    this.state = 'closing';
    if (started) {
      this.detector?.close();
      this.autoBatch?.flush();
      await Promise.all([this.pipeline.close(), this.requester.close()]);
      await this.drained();
      await this.trace?.close();
      await this.instance.unregisterProducer(this.wireGroup);
    }
    if (this.ownsInstance) await this.instance.close();
    this.state = 'closed';
  }

  /** Work of a subclass that must end before the group is left. */
  protected async drained(): Promise<void> {}

  /** True between start() and close(). */
  get running(): boolean {
    return this.state === 'running';
  }

  /** What became of the trace records; undefined without traceEnable. */
  get traceStats(): TraceStats | undefined {
    return this.trace?.stats;
  }

  /** Sends that wait for a broker's answer. */
  get inFlight(): number {
    return this.pipeline.inFlight;
  }

  /**
   * Sends one message, or several as one batch (same topic; cut at maxMessageBytes; all to one queue, in order).
   *
   * Rejects with ConfigurationError on bad input; NoRouteError when the topic does not exist; SendError when a broker stored
   * the message but not as durably as configured; ResponseError when it refused; TimeoutError or ConnectionError when no broker
   * could be asked in time (it may have stored the message); ClosedError after close().
   */
  send(message: OutgoingMessage | readonly OutgoingMessage[], options: SendOptions = {}): Promise<SendResult> {
    const { namespace } = this.instance;
    if (!namespace.active) return this.submit(message, options);
    return sendNamespaced(namespace, message, options, (wrapped, wrappedOptions) =>
      this.submit(wrapped, wrappedOptions),
    );
  }

  private submit(message: OutgoingMessage | readonly OutgoingMessage[], options: SendOptions): Promise<SendResult> {
    if (isBatch(message)) return this.sendBatch(message, options);
    return new Promise((resolve, reject) => {
      this.checkRunning();
      const prepared = this.prepare(message, options);
      const pick = this.pickerOf(message, options);
      const done = settling(resolve, reject);
      if (this.autoBatch === undefined) this.pipeline.submit(prepared, pick, options, done);
      else this.autoBatch.submit(prepared, pick, options, done);
    });
  }

  /**
   * Checks a message as `send` would, and sends nothing: for what is stored first and sent later, perhaps by another process.
   * @returns an id for it, to be sent as its `msgId`
   * @throws ConfigurationError as `send` would
   */
  checkMessage(message: OutgoingMessage, options: Pick<SendOptions, 'shardingKey'> = {}): string {
    return this.prepare(message, options).msgId;
  }

  /**
   * Sends without an answer: fast, and may be lost unnoticed. Several messages go as one batch (same topic, one queue); of a batch
   * cut at maxMessageBytes, a broker may store the parts in any order. Resolves when everything is handed to the connection.
   * Java: sendOneway.
   */
  async sendOneway(
    message: OutgoingMessage | readonly OutgoingMessage[],
    options: Omit<SendOptions, 'acceptStatuses'> = {},
  ): Promise<void> {
    const { namespace } = this.instance;
    if (!namespace.active) return this.submitOneway(message, options);
    return sendNamespaced(namespace, message, options, (wrapped, wrappedOptions) =>
      this.submitOneway(wrapped, wrappedOptions),
    );
  }

  private async submitOneway(
    message: OutgoingMessage | readonly OutgoingMessage[],
    options: SendOptions,
  ): Promise<void> {
    this.checkRunning();
    if (isBatch(message)) {
      const parts = this.prepareBatch(message);
      let pick = this.pickerOf(message[0]!, options);
      for (const part of parts) {
        const queue = await this.oneway.send(part, pick, options);
        pick = () => queue;
      }
      return;
    }
    const prepared = this.prepare(message, options);
    const pick = this.pickerOf(message, options);
    await this.pipeline.compressor.compress(prepared);
    await this.oneway.send(prepared, pick, options);
  }

  /**
   * Sends a request message and resolves to the reply that a consumer of its topic sends: see createReply and replyWith. The reply may
   * come from any member of any group that subscribes; the first one counts.
   *
   * Rejects like send(); with RequestTimeoutError when a broker has the request but no reply came in time, which says whether anybody
   * subscribes; with RemoteReplyError when the replier answered with an error; with the reason of `options.signal`.
   * Java: DefaultMQProducer.request.
   */
  async request(message: OutgoingMessage, options: RequestOptions = {}): Promise<MessageExt> {
    const { namespace } = this.instance;
    if (!namespace.active) return this.submitRequest(message, options);
    return sendNamespaced(namespace, message, options, (wrapped, wrappedOptions) =>
      this.submitRequest(wrapped, wrappedOptions),
    );
  }

  private submitRequest(message: OutgoingMessage, options: RequestOptions): Promise<MessageExt> {
    this.checkRunning();
    const prepared = this.prepare(message, options);
    if (prepared.kind !== 'normal') {
      throw new ConfigurationError(
        `A request to topic ${prepared.topic} cannot be ${prepared.kind === 'delay' ? 'delayed' : 'a reply'}: somebody waits for the answer. Send it without ${prepared.kind === 'delay' ? 'a delay' : 'replyTo'}.`,
        { context: { topic: prepared.topic } },
      );
    }
    return this.requester.request(prepared, this.pickerOf(message, options), options);
  }

  /**
   * Takes back a message with `delayMs` or `deliverAt` that is not due yet. It works until about a second before its time; the
   * broker must allow it (`recallMessageEnable`).
   *
   * @param recallHandle of the message's {@link SendResult}
   * @returns the id of the message
   *
   * Rejects with ConfigurationError when the handle is none; NoRouteError when its broker is not known; ResponseError when the broker
   * refuses: NO_PERMISSION when it does not allow recalls, ILLEGAL_OPERATION when the time is over or the handle is of another
   * topic. Java: DefaultMQProducer.recallMessage.
   */
  recall(topic: string, recallHandle: string): Promise<string> {
    const { namespace } = this.instance;
    return namespace.explained(this.recallWrapped(namespace.wrapTopic(topic), recallHandle));
  }

  private async recallWrapped(topic: string, recallHandle: string): Promise<string> {
    this.checkRunning();
    checkSendTopic(topic);
    const trace = { of: this.trace, group: this.group };
    return recallMessage(this.instance, { ...this.options, group: this.wireGroup }, trace, topic, recallHandle);
  }

  /**
   * Creates a topic on the brokers that create topics on demand, or on those of another topic, and waits until name servers know it. An
   * existing topic gets these settings. Admin can do more. Java: DefaultMQProducer.createTopic.
   *
   * Rejects with ConfigurationError on a bad name or number, NoRouteError when there are no such brokers, ResponseError when one refuses.
   */
  async createTopic(topic: string, options: CreateTopicOptions = {}): Promise<void> {
    this.checkRunning();
    const { namespace } = this.instance;
    const like = options.like === undefined ? {} : { like: namespace.wrapTopic(options.like) };
    const creating = createTopic(this.instance, this.options, namespace.wrapTopic(topic), { ...options, ...like });
    await namespace.explained(creating);
  }

  /** The topic's writable queues, asked of the name server if not known yet: also a way to check that sending can work. */
  async publishQueues(topic: string): Promise<readonly MessageQueue[]> {
    this.checkRunning();
    checkSendTopic(topic);
    const { createTopicKey, defaultTopicQueueNums } = this.options;
    const { namespace, routes } = this.instance;
    const finding = routes.findToPublish(namespace.wrapTopic(topic), createTopicKey, defaultTopicQueueNums);
    return namespace.unwrapQueues((await namespace.explained(finding)).publishQueues);
  }

  /** Sends the parts of a batch one after another to one queue; the first failure ends it. */
  private async sendBatch(messages: readonly OutgoingMessage[], options: SendOptions): Promise<SendResult> {
    this.checkRunning();
    const parts = this.prepareBatch(messages);
    const { topic } = parts[0]!;
    let pick = this.pickerOf(messages[0]!, options);
    const results: SendResult[] = [];
    for (const part of parts) {
      try {
        const result = await this.sendPrepared(part, pick, options);
        pick = () => result.queue;
        results.push(result);
      } catch (error) {
        if (results.length === 0) throw error;
        const sent = parts.slice(0, results.length).reduce((sum, done) => sum + done.messageCount, 0);
        throw new SendError(
          `The first ${sent} of ${messages.length} messages of a batch to topic ${topic} are sent, the others are not: ${(error as Error).message}`,
          { cause: error, context: { topic, sent, of: messages.length } },
        );
      }
    }
    const joined = (key: 'msgId' | 'offsetMsgId'): string => results.map((result) => result[key]).join(',');
    return { ...results[0]!, msgId: joined('msgId'), offsetMsgId: joined('offsetMsgId') };
  }

  /** @throws ConfigurationError, also for an empty batch */
  private prepareBatch(messages: readonly OutgoingMessage[]): PreparedMessage[] {
    const first = messages[0];
    if (first !== undefined && !this.pickers.has(first.topic)) checkSendTopic(first.topic);
    const parts = prepareBatch(messages, this.options.maxMessageBytes, this.createMsgId);
    for (const part of parts) this.inNamespace(part);
    return parts;
  }

  /** Java: Message.setInstanceId in sendKernelImpl. */
  private inNamespace(prepared: PreparedMessage): PreparedMessage {
    const { active, name } = this.instance.namespace;
    if (active) prepared.properties[PropertyName.INSTANCE_ID] = name;
    return prepared;
  }

  /** Sends an already prepared message; the way for subclasses. */
  protected sendPrepared(prepared: PreparedMessage, pick: QueuePicker, options: SendOptions): Promise<SendResult> {
    return new Promise((resolve, reject) => {
      this.pipeline.submit(prepared, pick, options, settling(resolve, reject));
    });
  }

  protected get hooks(): SendHooks {
    return this.pipeline.hooks;
  }

  /** Checks a message and gives it its id. @throws ConfigurationError */
  protected prepare(message: OutgoingMessage, options: SendOptions): PreparedMessage {
    // A topic that was sent to before has been checked before.
    if (!this.pickers.has(message.topic)) checkSendTopic(message.topic);
    const { maxMessageBytes } = this.options;
    const msgId = messageId(message, this.createMsgId);
    return this.inNamespace(prepareMessage(message, options.shardingKey, maxMessageBytes, msgId));
  }

  /** How this send chooses its queues. @throws ConfigurationError when the options contradict each other */
  protected pickerOf(message: OutgoingMessage, options: SendOptions): QueuePicker {
    return this.pickers.of(message, options);
  }

  protected checkRunning(): void {
    if (this.state !== 'running') throw this.closedError();
  }

  private closedError(): ClosedError {
    const next = this.state === 'created' ? 'Call and await start() first.' : 'Create a new producer.';
    return new ClosedError(
      `Producer ${this.group} is ${this.state === 'created' ? 'not started' : this.state}. ${next}`,
      {
        context: { group: this.group, state: this.state },
      },
    );
  }
}

/** A function of its own, so that what a send waits with does not keep the caller's message alive. */
function settling(resolve: (result: SendResult) => void, reject: (error: Error) => void): SendCallback {
  return (error, result) => {
    if (error !== null) reject(error);
    else resolve(result!);
  };
}

function isBatch(message: OutgoingMessage | readonly OutgoingMessage[]): message is readonly OutgoingMessage[] {
  return Array.isArray(message);
}
