import type { Context, Link, Span, TextMapPropagator, Tracer, TracerProvider } from '@opentelemetry/api';
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { MessageExt, OutgoingMessage, SendHook, SendHookContext, SendOutcome } from '@rocketnest/client';
import type { ConsumeCall, ConsumeEnd, RocketMQInstrumentation } from '../operations/instrumentation.js';
import { consumeAttributes, sendAttributes } from './attributes.js';

export interface RocketMQTracingOptions {
  /** Default: the global one, as the SDK registered it. */
  readonly tracerProvider?: TracerProvider;
  /** How contexts travel in user properties. Default: the global one; the SDKs' is W3C (`traceparent`, `tracestate`, `baggage`). */
  readonly propagator?: Pick<TextMapPropagator, 'inject' | 'extract'>;
}

type Properties = Record<string, string>;

const setter = {
  // Java clients refuse empty properties.
  set(carrier: Properties, key: string, value: string): void {
    if (value !== '') carrier[key] = value;
  },
};

const getter = {
  get: (carrier: Readonly<Properties>, key: string): string | undefined => carrier[key],
  keys: (carrier: Readonly<Properties>): string[] => Object.keys(carrier),
};

/**
 * OpenTelemetry spans for sends and handlers, by the semantic conventions for messaging.
 *
 * ```ts
 * RocketMQModule.forRoot({ namesrvAddr, instrumentations: [new RocketMQTracing()] })
 * ```
 *
 * Every send is a span, whose context travels with the message; every handler call is a span below the one that sent its
 * message, or, for a batch, linked to those that sent its messages. What a handler does, sends included, happens within its span.
 */
export class RocketMQTracing implements RocketMQInstrumentation {
  readonly sendHook: SendHook = {
    beforeSend: (send) => this.#beforeSend(send),
    afterSend: (send, outcome) => this.#afterSend(send, outcome),
  };
  readonly #options: RocketMQTracingOptions;
  readonly #sends = new WeakMap<SendHookContext, Span>();

  constructor(options: RocketMQTracingOptions = {}) {
    this.#options = options;
  }

  /** Messages of a batch are encoded before its span begins, so they carry the context of whoever sends them. */
  outgoing(message: OutgoingMessage): OutgoingMessage {
    const properties = { ...message.properties };
    this.#propagator.inject(context.active(), properties, setter);
    return { ...message, properties };
  }

  async consume(call: ConsumeCall, next: () => Promise<ConsumeEnd>): Promise<ConsumeEnd> {
    const { messages } = call;
    const [first] = messages;
    const origins = messages.map((message) => this.#originOf(message));
    // Consuming has no caller: what is active here is whatever was when the consumer started.
    const parent = messages.length === 1 ? origins[0]! : ROOT_CONTEXT;
    const links = messages.length === 1 ? [] : linksTo(origins);
    const span = this.#tracer.startSpan(
      `process ${first?.topic ?? call.queue.topic}`,
      { kind: SpanKind.CONSUMER, attributes: consumeAttributes(call), links },
      parent,
    );
    try {
      const outcome = await context.with(trace.setSpan(parent, span), next);
      const action =
        outcome?.action ?? (messages.every((message) => call.isDiscarded(message)) ? 'discard' : undefined);
      if (action !== undefined) span.setAttribute('rocketnest.outcome', action);
      const error = messages.map((message) => call.errorOf(message)).find((thrown) => thrown !== undefined);
      if (error !== undefined) fail(span, error);
      return outcome;
    } catch (error) {
      fail(span, error);
      throw error;
    } finally {
      span.end();
    }
  }

  #beforeSend(send: SendHookContext): void {
    const { topic, kind, messages, properties } = send;
    const parent = context.active();
    const isBatch = kind === 'batch';
    const span = this.#tracer.startSpan(
      `send ${topic}`,
      {
        // A producer is where a message's context comes from.
        kind: isBatch ? SpanKind.CLIENT : SpanKind.PRODUCER,
        attributes: sendAttributes(send),
        links: isBatch ? linksTo((messages ?? []).map((message) => this.#originOf(message))) : [],
      },
      parent,
    );
    this.#sends.set(send, span);
    if (!isBatch) this.#propagator.inject(trace.setSpan(parent, span), properties, setter);
  }

  #afterSend(send: SendHookContext, { result, error }: SendOutcome): void {
    const span = this.#sends.get(send);
    if (span === undefined) return;
    if (result !== undefined) {
      if (send.messageCount === 1) span.setAttribute('messaging.message.id', result.msgId);
      span.setAttribute('messaging.destination.partition.id', `${result.queue.brokerName}:${result.queue.queueId}`);
    }
    if (error !== undefined) fail(span, error);
    span.end();
  }

  #originOf({ properties }: Pick<MessageExt, 'properties'>): Context {
    return this.#propagator.extract(ROOT_CONTEXT, properties, getter);
  }

  get #propagator(): Pick<TextMapPropagator, 'inject' | 'extract'> {
    return this.#options.propagator ?? propagation;
  }

  /** Asked for each time: an SDK may be registered after the application's modules are made. */
  get #tracer(): Tracer {
    return (this.#options.tracerProvider ?? trace).getTracer('@rocketnest/nestjs');
  }
}

/** One link per span, also where many messages come from the same. */
function linksTo(origins: readonly Context[]): Link[] {
  const links = new Map<string, Link>();
  for (const origin of origins) {
    const spanContext = trace.getSpanContext(origin);
    if (spanContext !== undefined) links.set(`${spanContext.traceId}-${spanContext.spanId}`, { context: spanContext });
  }
  return [...links.values()];
}

function fail(span: Span, error: unknown): void {
  const { name, message } = error instanceof Error ? error : { name: '_OTHER', message: String(error) };
  span.recordException(error instanceof Error ? error : message);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
  const code: unknown = (error as { code?: unknown } | null)?.code;
  span.setAttribute('error.type', typeof code === 'string' ? code : name);
}
