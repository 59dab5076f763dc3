import {
  ClosedError,
  ConnectionError,
  createRequest,
  NoRouteError,
  type RemotingCommand,
  type RequestDefinition,
  Requests,
  ResponseCode,
  ResponseError,
  RocketMQError,
  TimeoutError,
  WrongPeerError,
} from '@rocketnest/protocol';
import { responseError } from '../broker-api.js';
import type { Link } from '../chain.js';
import type { ClientInstance } from '../instance.js';
import type { MessageQueue } from '../message-queue.js';
import type { TopicRoute } from '../routes.js';
import { within } from '../within.js';
import { batchProperties } from './batch.js';
import type { FaultLatency } from './fault-latency.js';
import { encodeCheckedProperties, type MessageKind, type PreparedMessage } from './outgoing-message.js';
import type { ProducerOptions } from './producer-options.js';
import type { SendHooks } from './send-hook.js';
import type { SendOptions } from './send-options.js';
import { readSendResult, type SendCallback, type SendResult } from './send-result.js';

/** Answers after which another queue may take the message. Java: DefaultMQProducer.retryResponseCodes. */
const RETRIABLE_CODES: ReadonlySet<number> = new Set([
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.NO_PERMISSION,
  ResponseCode.NO_BUYER_ID,
  ResponseCode.NOT_IN_CURRENT_UNIT,
  ResponseCode.GO_AWAY,
  // A logic queue moved on; nothing is stored.
  ResponseCode.NOT_LEADER_FOR_QUEUE,
]);

const NONE: readonly string[] = [];
const MASTER = { onlyMaster: true } as const;
/** Pause before a repeat to the broker that just failed, when there is no other: it may be restarting. */
const SAME_BROKER_PAUSE_MS = 100;

/** What all sends of a producer share. */
export interface SendEnvironment {
  readonly instance: ClientInstance;
  readonly options: ProducerOptions;
  /** Undefined unless latencyFaultEnable. */
  readonly faults: FaultLatency | undefined;
  readonly hooks: SendHooks;
  /** A broker took the message. */
  onStored(): void;
  /** An attempt failed; the send may be repeated. */
  onFailure(brokerName: string, error: Error): void;
  /** The send has ended, with an error or a result; its `done` is still to be told. */
  onEnd(operation: SendOperation, error: Error | null, result: SendResult | undefined): void;
}

/** Picks the queue of one attempt. `failedBroker` is the broker of the attempt before. */
export type QueuePicker = (route: TopicRoute, failedBroker: string | undefined) => MessageQueue;

/**
 * One send with its repeats: an attempt per queue, all within one deadline. Callback style, since a producer has thousands of
 * these at once. Java: DefaultMQProducerImpl.sendDefaultImpl and sendKernelImpl.
 */
export class SendOperation implements Link<SendOperation> {
  previousLink: SendOperation | undefined;
  nextLink: SendOperation | undefined;
  /** The queue of the latest attempt. */
  queue: MessageQueue | undefined;
  private attempts = 0;
  private sentAt = 0;
  private properties: string | undefined;
  /** Brokers of failed attempts, for messages; empty for nearly every send. */
  private brokersTried: readonly string[] = NONE;
  /** Where the message is, less durably than it should be, while it is sent to another broker. */
  private stored: SendResult | undefined;
  private ended = false;

  constructor(
    private readonly env: SendEnvironment,
    readonly message: PreparedMessage,
    private readonly pick: QueuePicker,
    readonly options: SendOptions,
    /** performance.now() at which the send fails. */
    private readonly deadline: number,
    /** Who wants to know how it ended; the environment tells. */
    readonly done: SendCallback,
  ) {}

  private get maxAttempts(): number {
    return 1 + this.env.options.retryTimes;
  }

  /** Makes the first attempt at once if the route is known; failures go to the callback, also those of bad input. */
  start(): void {
    const route = this.env.instance.routes.get(this.message.topic);
    if (route === undefined || route.publishQueues.length === 0) this.findRoute();
    else this.attempt(route);
  }

  /** Ends the send from outside (close, abort). The broker may still store the message. */
  cancel(error: Error): void {
    this.finish(error);
  }

  private findRoute(): void {
    const { instance, options } = this.env;
    instance.routes
      .findToPublish(this.message.topic, options.createTopicKey, options.defaultTopicQueueNums)
      .then((route) => this.attempt(route))
      .catch((error: Error) => this.finish(error));
  }

  private attempt(route: TopicRoute): void {
    if (this.ended) return;
    try {
      this.attemptAt(this.pick(route, this.queue?.brokerName));
    } catch (error) {
      this.finish(error as Error);
    }
  }

  private attemptAt(queue: MessageQueue): void {
    this.queue = queue;
    try {
      const broker = this.env.instance.findBrokerAddress(queue, MASTER);
      if (broker === undefined) throw this.noMaster(queue.brokerName);
      if (this.env.hooks.forbidding) this.env.hooks.checkForbidden(this.message, queue, broker.address);
      const { instance } = this.env;
      if (this.message.kind === 'batch' && instance.brokerVersion(broker.address) === 0)
        void instance.askBrokerVersion(broker.address).then(() => this.put(queue, broker.address));
      else this.put(queue, broker.address);
    } catch (error) {
      this.finish(error as Error);
    }
  }

  private put(queue: MessageQueue, address: string): void {
    if (this.ended) return;
    try {
      const now = performance.now();
      const leftMs = this.deadline - now;
      if (leftMs < 1) {
        this.finish(this.timedOut());
        return;
      }
      this.attempts++;
      const { attemptTimeoutMs } = this.env.options;
      const mayRepeat = this.attempts < this.maxAttempts;
      const timeoutMs = mayRepeat && attemptTimeoutMs !== undefined ? Math.min(leftMs, attemptTimeoutMs) : leftMs;
      this.sentAt = now;
      const { api } = this.env.instance;
      api.invoke(api.vipAddress(address), this.request(queue, address), timeoutMs, this.onResponse);
    } catch (error) {
      this.finish(error as Error);
    }
  }

  private request(queue: MessageQueue, address: string): RemotingCommand {
    if (this.message.kind === 'batch') return this.batchRequest(queue, address);
    this.properties ??= encodeCheckedProperties(this.message.properties, this.message.topic);
    return createSendRequest(this.env.options, this.message, queue, this.properties);
  }

  /** What a batch says about itself depends on the broker. */
  private batchRequest(queue: MessageQueue, address: string): RemotingCommand {
    const { env, message } = this;
    const properties = batchProperties(message.properties, env.instance.brokerVersion(address));
    return createSendRequest(env.options, message, queue, encodeCheckedProperties(properties, message.topic));
  }

  private readonly onResponse = (error: Error | null, response?: RemotingCommand): void => {
    if (this.ended) return;
    const queue = this.queue!;
    if (error !== null) {
      this.env.faults?.failed(queue.brokerName, false);
      // The instance learns of lost connections itself; a timeout may also mean that the broker moved.
      this.repeatOrFail(error, isWorthRepeating(error) && !this.env.instance.closed);
      return;
    }
    let result: SendResult | undefined;
    try {
      result = readSendResult(response!, queue, this.message.msgId);
    } catch (malformed) {
      this.finish(malformed as Error);
      return;
    }
    if (result !== undefined) {
      this.env.faults?.succeeded(queue.brokerName, performance.now() - this.sentAt);
      this.env.onStored();
      const next = result.status === 'SEND_OK' ? undefined : this.nextForWeaklyStored(queue);
      if (next === undefined) this.finish(null, result);
      else {
        this.stored = result;
        this.attemptAt(next);
      }
      return;
    }
    this.env.faults?.failed(queue.brokerName, true);
    this.repeatOrFail(
      responseError('SEND_MESSAGE', `broker ${queue.brokerName}`, response!),
      RETRIABLE_CODES.has(response!.code),
    );
  };

  /**
   * A queue on another broker for a message that is stored less durably than the broker is configured for; undefined when that is as it
   * is to be, or there is no other. Java: retryAnotherBrokerWhenNotStoreOK.
   */
  private nextForWeaklyStored({ brokerName }: MessageQueue): MessageQueue | undefined {
    const { instance, options } = this.env;
    if (!options.retryAnotherBrokerWhenNotStoreOk || this.attempts >= this.maxAttempts) return undefined;
    const route = instance.routes.get(this.message.topic);
    const next = route && this.pick(route, brokerName);
    return next?.brokerName === brokerName ? undefined : next;
  }

  private repeatOrFail(error: Error, repeatable: boolean): void {
    const { instance, options } = this.env;
    const { topic } = this.message;
    const { brokerName } = this.queue!;
    this.brokersTried = [...this.brokersTried, brokerName];
    this.env.onFailure(brokerName, error);
    if (!repeatable || this.attempts >= this.maxAttempts) {
      this.finish(this.explain(error));
      return;
    }
    // The failure may be news about the route; the repeat waits for the answer, but not beyond its deadline.
    const leftMs = this.deadline - performance.now();
    if (leftMs < 1) {
      this.finish(this.timedOut(error));
      return;
    }
    const failedBroker = this.queue?.brokerName;
    void within(instance.routes.refresh(topic), leftMs).then(
      (refreshed) => this.repeat(refreshed ?? instance.routes.get(topic), failedBroker, options),
      () => this.repeat(instance.routes.get(topic), failedBroker, options),
    );
  }

  private repeat(route: TopicRoute | undefined, failedBroker: string | undefined, options: ProducerOptions): void {
    if (this.ended) return;
    if (route === undefined || route.publishQueues.length === 0) {
      this.findRoute();
      return;
    }
    const another = route.publishQueues.some((queue) => queue.brokerName !== failedBroker);
    if (another || options.retryTimes === 0) this.attempt(route);
    else
      setTimeout(
        () => this.attempt(route),
        Math.max(0, Math.min(SAME_BROKER_PAUSE_MS, this.deadline - performance.now())),
      );
  }

  private finish(error: Error | null, result?: SendResult): void {
    if (this.ended) return;
    this.ended = true;
    // What one broker has, if weakly, is not lost when the next one fails.
    if (error !== null && this.stored !== undefined) this.env.onEnd(this, null, this.stored);
    else this.env.onEnd(this, error, result);
  }

  private timedOut(cause?: Error): TimeoutError {
    const timeoutMs = this.options.timeoutMs ?? this.env.options.sendTimeoutMs;
    const tried =
      this.brokersTried.length === 0 ? 'before a broker was asked' : `after asking ${this.brokersTried.join(', ')}`;
    return new TimeoutError(
      `Send to topic ${this.message.topic} ran out of its ${timeoutMs} ms ${tried}. Check the broker's load, or raise timeoutMs.`,
      { cause, context: { topic: this.message.topic, brokers: this.brokersTried } },
    );
  }

  private noMaster(brokerName: string): NoRouteError {
    return new NoRouteError(
      `Topic ${this.message.topic} has a queue on broker ${brokerName}, which has no live master. Start the broker or fix the topic's order configuration.`,
      { context: { topic: this.message.topic, brokerName } },
    );
  }

  /** The last failure, told with what led to it. Keeps the class, so that callers can tell a timeout from a refusal. */
  private explain(error: Error): Error {
    if (!(error instanceof RocketMQError)) return error;
    const { topic } = this.message;
    const times = this.attempts === 1 ? 'once' : `${this.attempts} times`;
    const message = `Send to topic ${topic} failed (tried ${times}: ${this.brokersTried.join(', ')}): ${error.message}`;
    const context = { ...error.context, topic, brokers: this.brokersTried, attempts: this.attempts };
    const options = { cause: error, context, retriable: error.retriable };
    if (error instanceof TimeoutError) return new TimeoutError(message, options);
    if (error instanceof ResponseError) {
      return new ResponseError(message, { ...options, responseCode: error.responseCode, remark: error.remark });
    }
    if (error instanceof ClosedError) return new ClosedError(message, options);
    if (error instanceof WrongPeerError) return new WrongPeerError(message, options);
    return new ConnectionError(message, options);
  }
}

/** The peer, the way to it, or its patience failed; not the request. */
function isWorthRepeating(error: Error): boolean {
  return error instanceof ConnectionError || error instanceof TimeoutError || error instanceof ClosedError;
}

type SendDefinition = typeof Requests.sendMessageV2;

/** Kinds with a request code of their own. */
const SEND_DEFINITIONS: { readonly [K in MessageKind]?: SendDefinition } = {
  batch: Requests.sendBatchMessage,
  reply: Requests.sendReplyMessageV2,
};

/** SEND_MESSAGE_V2, or the code of its kind with the same fields. Java: SendMessageRequestHeaderV2. */
export function createSendRequest(
  options: Pick<ProducerOptions, 'group' | 'createTopicKey' | 'defaultTopicQueueNums' | 'unitMode'>,
  message: PreparedMessage,
  queue: MessageQueue,
  properties: string,
  definition: RequestDefinition<
    SendDefinition['fields']['fields'],
    SendDefinition['response']['fields']
  > = SEND_DEFINITIONS[message.kind] ?? Requests.sendMessageV2,
): RemotingCommand {
  return createRequest(
    definition,
    {
      producerGroup: options.group,
      topic: message.topic,
      defaultTopic: options.createTopicKey,
      defaultTopicQueueNums: options.defaultTopicQueueNums,
      queueId: queue.queueId,
      sysFlag: message.sysFlag,
      bornTimestamp: Date.now(),
      flag: message.flag,
      properties,
      reconsumeTimes: 0,
      unitMode: options.unitMode,
      batch: message.kind === 'batch',
      bname: queue.brokerName,
    },
    message.body,
  );
}
