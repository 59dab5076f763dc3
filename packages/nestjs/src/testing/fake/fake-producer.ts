import { randomUUID } from 'node:crypto';
import type {
  ClientInstance,
  HalfMessage,
  LocalTransaction,
  MessageExt,
  OutgoingMessage,
  RequestOptions,
  SendOptions,
  SendResult,
  TransactionChecker,
  TransactionSendResult,
  TransactionState,
} from '@rocketnest/client';
import {
  ClosedError,
  ConfigurationError,
  errorOfReply,
  PropertyName,
  RequestTimeoutError,
  ResponseCode,
  ResponseError,
  TransactionProducer,
} from '@rocketnest/client';
import type { FakeBroker } from './fake-broker.js';
import { FAKE_BROKER } from './fake-broker.js';

const REQUEST_TIMEOUT_MS = 3_000;

interface PendingRequest {
  readonly topic: string;
  receive(reply: MessageExt): void;
}

/** A producer of the fake broker: it checks and encodes messages as the real one does, and opens no connection. */
export class FakeProducer extends TransactionProducer {
  readonly #broker: FakeBroker;
  readonly #checker: TransactionChecker;
  readonly #onSent: (message: MessageExt) => void;
  readonly #requests = new Map<string, PendingRequest>();
  readonly #recallable = new Map<string, { readonly msgId: string; readonly recall: () => boolean }>();
  #isClosed = false;

  /** @param onSent gets every message that consumers will see: those of transactions when they are committed */
  constructor(
    options: { readonly group: string; readonly checker: TransactionChecker },
    instance: ClientInstance,
    broker: FakeBroker,
    onSent: (message: MessageExt) => void,
  ) {
    super(options, instance);
    this.#broker = broker;
    this.#checker = options.checker;
    this.#onSent = onSent;
  }

  override async start(): Promise<void> {}

  override async close(): Promise<void> {
    this.#isClosed = true;
  }

  override get running(): boolean {
    return !this.#isClosed;
  }

  override async send(
    message: OutgoingMessage | readonly OutgoingMessage[],
    options: SendOptions = {},
  ): Promise<SendResult> {
    const messages = 'topic' in message ? [message] : message;
    if (messages.length === 0) throw new ConfigurationError('A batch needs at least one message.');
    const stored = messages.map((each) => this.store(each, options));
    const isReply = messages.some(({ replyTo }) => replyTo !== undefined);
    for (const each of stored) {
      if (isReply) this.#answer(each);
      else this.#publish(each);
    }
    return resultOf(stored);
  }

  override async sendOneway(
    message: OutgoingMessage | readonly OutgoingMessage[],
    options: SendOptions = {},
  ): Promise<void> {
    await this.send(message, options);
  }

  override async sendInTransaction(
    message: OutgoingMessage,
    execute: LocalTransaction,
    options: SendOptions = {},
  ): Promise<TransactionSendResult> {
    const half = this.store(message, options);
    half.properties[PropertyName.TRANSACTION_PREPARED] = 'true';
    half.properties[PropertyName.PRODUCER_GROUP] = this.group;
    const { msgId: transactionId } = half;
    const state = (await execute({ ...half, transactionId } as HalfMessage, transactionId)) ?? 'COMMIT';
    const decided = (decision: TransactionState): void => {
      if (decision === 'COMMIT') this.#publish(half);
    };
    if (state === 'UNKNOWN') this.#broker.checkLater(async () => this.#checker(half), decided);
    else decided(state);
    return { ...resultOf([half]), transactionId, state };
  }

  /** The time a request waits is real: handlers that answer take some. */
  override async request(message: OutgoingMessage, options: RequestOptions = {}): Promise<MessageExt> {
    const { timeoutMs = REQUEST_TIMEOUT_MS, signal } = options;
    signal?.throwIfAborted();
    const request = this.store(message, options);
    const correlationId = randomUUID();
    Object.assign(request.properties, {
      [PropertyName.CORRELATION_ID]: correlationId,
      [PropertyName.MESSAGE_REPLY_TO_CLIENT]: this.group,
      [PropertyName.MESSAGE_TTL]: String(timeoutMs),
      [PropertyName.CLUSTER]: FAKE_BROKER,
    });
    const { topic } = message;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(expiry);
        this.#requests.delete(correlationId);
        signal?.removeEventListener('abort', onAbort);
      };
      const fail = (error: unknown): void => {
        end();
        reject(error);
      };
      const onAbort = (): void => fail(signal!.reason);
      const expiry = setTimeout(() => {
        const text = `No reply to a request to topic ${topic} within ${timeoutMs} ms. Groups: ${this.#broker.describe()}.`;
        fail(new RequestTimeoutError(text, { context: { topic, timeoutMs } }));
      }, timeoutMs);
      signal?.addEventListener('abort', onAbort, { once: true });
      const receive = (reply: MessageExt): void => {
        const error = errorOfReply(reply, topic);
        end();
        if (error === undefined) resolve(reply);
        else reject(error);
      };
      this.#requests.set(correlationId, { topic, receive });
      this.#publish(request);
    });
  }

  override async recall(topic: string, recallHandle: string): Promise<string> {
    const waiting = this.#recallable.get(recallHandle);
    if (waiting?.recall()) return waiting.msgId;
    throw new ResponseError(`The message with the handle ${recallHandle} of topic ${topic} does not wait any more.`, {
      responseCode: ResponseCode.ILLEGAL_OPERATION,
    });
  }

  /** The message as consumers will see it; nobody gets it yet. @throws ConfigurationError on a bad message; ClosedError after close() */
  store(message: OutgoingMessage, options: SendOptions): MessageExt {
    if (this.#isClosed) throw new ClosedError(`Producer ${this.group} is closed.`, { context: { group: this.group } });
    return this.#broker.store(this.prepare(message, options), options.queue?.queueId);
  }

  #publish(message: MessageExt): void {
    this.#onSent(message);
    const recall = this.#broker.publish(message);
    this.#recallable.set(message.offsetMsgId, { msgId: message.msgId, recall });
  }

  #answer(reply: MessageExt): void {
    const request = this.#requests.get(reply.properties[PropertyName.CORRELATION_ID] ?? '');
    if (request === undefined) {
      throw new ResponseError('The requester is gone: its time is over.', { responseCode: ResponseCode.SYSTEM_ERROR });
    }
    request.receive(reply);
  }
}

function resultOf(stored: readonly MessageExt[]): SendResult {
  const { topic, queueId, queueOffset, properties, offsetMsgId } = stored[0]!;
  const isTimed =
    properties[PropertyName.TIMER_DELAY_MS] !== undefined || properties[PropertyName.TIMER_DELIVER_MS] !== undefined;
  return {
    status: 'SEND_OK',
    msgId: stored.map(({ msgId }) => msgId).join(','),
    offsetMsgId: stored.map((message) => message.offsetMsgId).join(','),
    queue: { topic, brokerName: FAKE_BROKER, queueId },
    queueOffset,
    ...(isTimed ? { recallHandle: offsetMsgId } : {}),
  };
}
