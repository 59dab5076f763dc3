import type {
  ConsumeContext,
  ConsumeOutcome,
  MessageExt,
  MessageHandler,
  MessageQueue,
  OutgoingMessage,
  Producer,
  PushConsumer,
  SendHook,
} from '@rocketnest/client';

/** One call of a listener, or of the handlers of a transport. */
export interface ConsumeCall {
  readonly connection: string;
  readonly group: string;
  readonly queue: MessageQueue;
  /** One, or those of a batch. */
  readonly messages: readonly MessageExt[];
  readonly consumer: PushConsumer;
  /** What was thrown for a message, once `next` has settled: it has become an outcome by then. */
  errorOf(message: MessageExt): unknown;
  /** Whether a message counts as consumed although nobody made use of it, once `next` has settled: `ConsumeResult.discard`, or a filter. */
  isDiscarded(message: MessageExt): boolean;
}

/** How a call ended; undefined: everything is consumed. */
export type ConsumeEnd = ConsumeOutcome | undefined;

/**
 * Watches a connection's sends and handlers: metrics, traces, audit. Given with `instrumentations` of `RocketMQModule.forRoot`; one
 * object may watch several connections. What it throws fails the send or the handler, so it should not throw.
 */
export interface RocketMQInstrumentation {
  /** Called around every send of the connection's producer. */
  readonly sendHook?: SendHook;
  /** A message of the template before it is sent, the only place where messages of a batch can get properties. */
  outgoing?(message: OutgoingMessage): OutgoingMessage;
  /** Runs a handler: calls `next` once and returns what it returns. What is set up around `next` (AsyncLocalStorage) holds in the handler. */
  consume?(call: ConsumeCall, next: () => Promise<ConsumeEnd>): Promise<ConsumeEnd>;
  /** A producer has started; the function returned is called when it closes. */
  producerStarted?(producer: Producer, connection: string): () => void;
  /** A consumer has started; the function returned is called when it stops. */
  consumerStarted?(consumer: PushConsumer, connection: string): () => void;
}

/** The instrumentations of one connection, where handlers are concerned. */
export class ConsumeWatch {
  readonly #errors = new WeakMap<MessageExt, unknown>();
  readonly #discarded = new WeakSet<MessageExt>();

  constructor(
    private readonly connection: string,
    private readonly instrumentations: readonly RocketMQInstrumentation[] = [],
  ) {}

  /** Whoever turns an error into an outcome says so here. */
  failed(message: MessageExt, error: unknown): void {
    if (this.instrumentations.length > 0) this.#errors.set(message, error);
  }

  /** Whoever lets go of a message that counts as consumed says so here. */
  discarded(message: MessageExt): void {
    if (this.instrumentations.length > 0) this.#discarded.add(message);
  }

  /** The handler with all instrumentations around it, the first one outermost. */
  around(consumer: PushConsumer, handler: MessageHandler): MessageHandler {
    const watching = this.instrumentations.filter(({ consume }) => consume !== undefined);
    if (watching.length === 0) return handler;
    return (messages, context) => {
      const call = this.#callOf(consumer, messages, context);
      const run = async (): Promise<ConsumeEnd> => (await handler(messages, context)) ?? undefined;
      return watching.reduceRight((next, watcher) => () => watcher.consume!(call, next), run)();
    };
  }

  /** @returns to be called when the consumer stops */
  started(consumer: PushConsumer): () => void {
    return tellAll(this.instrumentations.map((watcher) => watcher.consumerStarted?.(consumer, this.connection)));
  }

  #callOf(consumer: PushConsumer, messages: readonly MessageExt[], { group, queue }: ConsumeContext): ConsumeCall {
    // An orderly message that comes again is the same object.
    for (const message of messages) {
      this.#errors.delete(message);
      this.#discarded.delete(message);
    }
    const errorOf = (message: MessageExt): unknown => this.#errors.get(message);
    const isDiscarded = (message: MessageExt): boolean => this.#discarded.has(message);
    return { connection: this.connection, group, queue, messages, consumer, errorOf, isDiscarded };
  }
}

/** The hooks of a producer: the user's and those of the instrumentations. */
export function sendHooksOf(
  own: readonly SendHook[] = [],
  instrumentations: readonly RocketMQInstrumentation[] = [],
): readonly SendHook[] {
  return [...own, ...instrumentations.flatMap(({ sendHook }) => (sendHook === undefined ? [] : [sendHook]))];
}

/** What the instrumentations make of a message that is to be sent. */
export function instrumented(
  message: OutgoingMessage,
  instrumentations: readonly RocketMQInstrumentation[] = [],
): OutgoingMessage {
  return instrumentations.reduce((made, watcher) => watcher.outgoing?.(made) ?? made, message);
}

/** @returns to be called when the producer closes */
export function producerStarted(
  producer: Producer,
  connection: string,
  instrumentations: readonly RocketMQInstrumentation[] = [],
): () => void {
  return tellAll(instrumentations.map((watcher) => watcher.producerStarted?.(producer, connection)));
}

const tellAll = (ends: readonly ((() => void) | undefined)[]) => (): void => {
  for (const end of ends) end?.();
};
