import { randomUUID } from 'node:crypto';
import { ClosedError, type MessageExt, PropertyName, RequestTimeoutError, replyTopic } from '@rocketnest/protocol';
import type { ClientInstance } from '../instance.js';
import { MASTER_ID, type TopicRoute } from '../routes.js';
import { within } from '../within.js';
import type { PreparedMessage } from './outgoing-message.js';
import type { ProducerOptions } from './producer-options.js';
import { errorOfReply } from './reply.js';
import { explainSilence, findResponders, type Responder } from './responders.js';
import type { QueuePicker } from './send-operation.js';
import type { SendOptions } from './send-options.js';
import type { SendPipeline } from './send-pipeline.js';
import type { SendStatus } from './send-result.js';

/** Budget, queue choice and abortion of a request. `timeoutMs` covers the send and the wait; default: sendTimeoutMs. */
export type RequestOptions = Omit<SendOptions, 'acceptStatuses'>;

/** A reply shows that the request was consumed, however durably it is stored. */
const ANY_STATUS: readonly SendStatus[] = [
  'SEND_OK',
  'FLUSH_DISK_TIMEOUT',
  'FLUSH_SLAVE_TIMEOUT',
  'SLAVE_NOT_AVAILABLE',
];
/** When this much of the time is left, in ms and as a part of it, somebody is asked who could have answered. */
const LOOK_BEFORE_MS = 300;
const LOOK_BEFORE_PART = 0.3;

/** Request messages of one producer and the replies they wait for. Java: the request methods of DefaultMQProducerImpl. */
export class Requester {
  private readonly pending = new Set<PendingRequest>();
  /** Reply topics of the clusters asked so far; their routes name every broker a reply may come from. */
  private readonly replyTopics = new Set<string>();
  /** Routes whose brokers know this client. */
  private readonly introduced = new WeakSet<TopicRoute>();
  private introducing: Promise<unknown> | undefined;
  private onIdle: (() => void) | undefined;

  constructor(
    private readonly instance: ClientInstance,
    private readonly options: ProducerOptions,
    private readonly pipeline: SendPipeline,
  ) {}

  /** Topics whose routes have to be kept fresh. */
  topics(): Iterable<string> {
    return this.replyTopics;
  }

  /** Sends a prepared message and resolves to the reply. */
  async request(message: PreparedMessage, pick: QueuePicker, options: RequestOptions): Promise<MessageExt> {
    const startedAt = performance.now();
    const timeoutMs = options.timeoutMs ?? this.options.sendTimeoutMs;
    const route = this.instance.routes.get(message.topic);
    // Once introduced, no turn of the event loop is lost and requests are sent in their order.
    if (route === undefined || !this.introduced.has(route)) await this.introduce(message.topic, timeoutMs);
    options.signal?.throwIfAborted();
    const leftMs = Math.max(1, timeoutMs - (performance.now() - startedAt));

    const correlationId = randomUUID();
    message.properties[PropertyName.CORRELATION_ID] = correlationId;
    message.properties[PropertyName.MESSAGE_REPLY_TO_CLIENT] = this.instance.clientId;
    message.properties[PropertyName.MESSAGE_TTL] = String(timeoutMs);
    return new Promise((resolve, reject) => {
      const request: PendingRequest = new PendingRequest(
        this.instance,
        message.topic,
        timeoutMs,
        leftMs,
        (error, reply) => {
          this.instance.replies.delete(correlationId);
          options.signal?.removeEventListener('abort', onAbort);
          this.pending.delete(request);
          if (this.pending.size === 0) this.onIdle?.();
          if (error === null) resolve(reply!);
          else reject(error);
        },
      );
      const onAbort = (): void => request.fail(options.signal!.reason as Error);
      options.signal?.addEventListener('abort', onAbort, { once: true });
      this.pending.add(request);
      this.instance.replies.set(correlationId, (reply) => request.receive(reply));
      const sendOptions: SendOptions = { ...options, timeoutMs: leftMs, acceptStatuses: ANY_STATUS };
      this.pipeline.submit(message, pick, sendOptions, (error) =>
        error === null ? request.sent() : request.fail(error),
      );
    });
  }

  /**
   * Makes sure that the brokers know this client before they have a reply for it. A replier sends through any broker of the
   * cluster that has the reply topic, not only through those of the request's topic, which is all that Java greets.
   */
  private async introduce(topic: string, timeoutMs: number): Promise<void> {
    const { routes, logger } = this.instance;
    const { createTopicKey, defaultTopicQueueNums } = this.options;
    const route = await routes.findToPublish(topic, createTopicKey, defaultTopicQueueNums);
    for (const { cluster } of route.data.brokerDatas) {
      if (cluster !== undefined) this.replyTopics.add(replyTopic(cluster));
    }
    for (const name of this.replyTopics) {
      if (routes.get(name) !== undefined) continue;
      await routes.refresh(name).catch((error) => logger.warn(`route of ${name} not found`, { error }));
    }
    const strangers = [...this.replyTopics, topic].some((name) =>
      routes.get(name)?.data.brokerDatas.some(({ brokerAddrs }) => this.isStranger(brokerAddrs[MASTER_ID])),
    );
    if (strangers) {
      // Shared by all requests that come meanwhile. A broker that is down must not hold up those that are well.
      this.introducing ??= this.instance.sendHeartbeats().finally(() => {
        this.introducing = undefined;
      });
      await within(this.introducing, timeoutMs / 2);
    }
    // The route that is kept, or lent while the topic does not exist.
    this.introduced.add(routes.get(topic) ?? route);
  }

  private isStranger(address: string | undefined): boolean {
    return address !== undefined && this.instance.brokerVersion(address) === 0;
  }

  /** Waits for requests under way up to closeTimeoutMs, then fails them. */
  async close(): Promise<void> {
    const { group, closeTimeoutMs } = this.options;
    if (this.pending.size > 0) {
      await within(new Promise<void>((resolve) => (this.onIdle = resolve)), closeTimeoutMs);
    }
    for (const request of [...this.pending]) {
      request.fail(
        new ClosedError(
          `Producer ${group} was closed before the reply to a request came. The replier may do the work nevertheless. Await requests before close(), or raise closeTimeoutMs.`,
          { context: { group } },
        ),
      );
    }
  }
}

/** One request between its sending and its end. */
class PendingRequest {
  private isSent = false;
  private expired = false;
  private done = false;
  private responders: readonly Responder[] | undefined;
  private readonly expiry: NodeJS.Timeout;
  private readonly look: NodeJS.Timeout;

  constructor(
    private readonly instance: ClientInstance,
    private readonly topic: string,
    private readonly timeoutMs: number,
    leftMs: number,
    private readonly callback: (error: Error | null, reply?: MessageExt) => void,
  ) {
    const lookMs = Math.min(LOOK_BEFORE_MS, leftMs * LOOK_BEFORE_PART);
    this.look = setTimeout(() => void this.findResponders(lookMs), leftMs - lookMs);
    this.expiry = setTimeout(() => this.expire(), leftMs);
  }

  /** A broker has the request. */
  sent(): void {
    this.isSent = true;
    if (this.expired) this.expire();
  }

  receive(reply: MessageExt): void {
    const error = errorOfReply(reply, this.topic);
    if (error === undefined) this.finish(null, reply);
    else this.finish(error);
  }

  fail(error: Error): void {
    this.finish(error);
  }

  /** A request that no broker has yet fails with its send, which ends about now and can say why. */
  private expire(): void {
    this.expired = true;
    if (!this.isSent) return;
    const { topic, timeoutMs, responders } = this;
    this.finish(
      new RequestTimeoutError(
        `No reply to a request to topic ${topic} within ${timeoutMs} ms; a broker has the request. ${explainSilence(responders)}`,
        { responders: responders?.map(({ group }) => group), context: { topic, timeoutMs } },
      ),
    );
  }

  /** Asked before the time is over, so that the error comes in time and can tell. */
  private async findResponders(timeoutMs: number): Promise<void> {
    this.responders = await findResponders(this.instance, this.topic, timeoutMs);
  }

  private finish(error: Error | null, reply?: MessageExt): void {
    if (this.done) return;
    this.done = true;
    clearTimeout(this.expiry);
    clearTimeout(this.look);
    this.callback(error, reply);
  }
}
