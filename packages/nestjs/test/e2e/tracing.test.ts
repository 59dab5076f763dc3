import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Catch, type ExceptionFilter, Injectable, UseFilters } from '@nestjs/common';
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { unique, waitFor } from '@rocketnest/testing';
import {
  ConsumeResult,
  RocketMQContext,
  RocketMQListenerRegistry,
  RocketMQMessageListener,
  RocketMQTemplate,
} from '../../src/index.js';
import { RocketMQTracing } from '../../src/opentelemetry/index.js';
import { at, quick, startApp } from './app.js';
import { startCluster } from './cluster.js';

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

beforeAll(() => provider.register());
afterAll(async () => {
  trace.disable();
  context.disable();
  propagation.disable();
  await provider.shutdown();
});

/** The spans whose name is this, once there are so many. */
async function spans(name: string, count = 1): Promise<ReadableSpan[]> {
  const found = (): ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.name === name);
  await waitFor(() => found().length >= count, { what: `${count} spans '${name}'` });
  return found();
}

const start = (cluster: { namesrvAddr: string }, listener: new (...args: never[]) => object) =>
  startApp(at(cluster, { instrumentations: [new RocketMQTracing()] }), { providers: [listener] });

describe('RocketMQTracing', () => {
  it('connects who sends, what handles, and what the handler sends, over user properties', async () => {
    await using cluster = await startCluster();
    const [topic, next, group] = [unique('t'), unique('t'), unique('g')];
    const headers: Record<string, string>[] = [];

    @Injectable()
    class Listener {
      constructor(private readonly template: RocketMQTemplate) {}

      @RocketMQMessageListener({ topic, consumerGroup: group })
      async on(text: string, message: RocketMQContext): Promise<void> {
        headers.push(message.getHeaders());
        await this.template.send(next, text);
      }
    }

    await using app = await start(cluster, Listener);
    const caller = trace.getTracer('test').startSpan('caller');
    const { msgId } = await context.with(trace.setSpan(ROOT_CONTEXT, caller), () =>
      app.get(RocketMQTemplate).send(`${topic}:created`, 'a', { keys: ['k1', 'k2'] }),
    );
    caller.end();

    const [sent] = await spans(`send ${topic}`);
    const [processed] = await spans(`process ${topic}`);
    const [forwarded] = await spans(`send ${next}`);
    const traceId = caller.spanContext().traceId;
    expect([sent, processed, forwarded].map((span) => span!.spanContext().traceId)).toEqual([
      traceId,
      traceId,
      traceId,
    ]);
    expect(sent!.parentSpanContext?.spanId).toBe(caller.spanContext().spanId);
    expect(processed!.parentSpanContext?.spanId).toBe(sent!.spanContext().spanId);
    expect(forwarded!.parentSpanContext?.spanId).toBe(processed!.spanContext().spanId);
    expect(headers[0]!['traceparent']).toBe(`00-${traceId}-${sent!.spanContext().spanId}-01`);

    expect(sent!.kind).toBe(SpanKind.PRODUCER);
    expect(sent!.attributes).toMatchObject({
      'messaging.system': 'rocketmq',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': topic,
      'messaging.message.id': msgId,
      'messaging.message.body.size': 1,
      'messaging.rocketmq.message.type': 'normal',
      'messaging.rocketmq.message.tag': 'created',
      'messaging.rocketmq.message.keys': ['k1', 'k2'],
    });
    expect(processed!.kind).toBe(SpanKind.CONSUMER);
    expect(processed!.attributes).toMatchObject({
      'messaging.operation.type': 'process',
      'messaging.destination.name': topic,
      'messaging.consumer.group.name': group,
      'messaging.message.id': msgId,
      'messaging.rocketmq.consumption_model': 'clustering',
      'rocketnest.delivery_attempt': 1,
    });
    expect(processed!.status.code).toBe(SpanStatusCode.UNSET);
  });

  it('keeps the error of a handler, and each delivery is a span of its own below the send', async () => {
    await using cluster = await startCluster();
    const topic = unique('t');
    let calls = 0;

    @Injectable()
    class Listener {
      @RocketMQMessageListener({ topic, consumerGroup: unique('g') })
      on(): ConsumeResult | undefined {
        if (++calls === 1) throw new TypeError('no such order');
        return calls === 2 ? ConsumeResult.deadLetter('given up') : undefined;
      }
    }

    await using app = await start(cluster, Listener);
    await app.get(RocketMQTemplate).send(topic, 'a');
    const [first, second] = await spans(`process ${topic}`, 2);
    const [sent] = await spans(`send ${topic}`);
    expect(first!.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no such order' });
    expect(first!.attributes).toMatchObject({ 'error.type': 'TypeError', 'rocketnest.outcome': 'retry' });
    expect(first!.events[0]).toMatchObject({
      name: 'exception',
      attributes: { 'exception.message': 'no such order', 'exception.type': 'TypeError' },
    });
    // What a handler chose is no error.
    expect(second!.status.code).toBe(SpanStatusCode.UNSET);
    expect(second!.attributes).toMatchObject({
      'rocketnest.outcome': 'dead-letter',
      'rocketnest.delivery_attempt': 2,
      'messaging.destination.name': topic,
    });
    for (const span of [first, second]) expect(span!.parentSpanContext?.spanId).toBe(sent!.spanContext().spanId);
  });

  it('shows what was discarded, by the handler or by a filter, and of the latter the error', async () => {
    await using cluster = await startCluster();
    const topic = unique('t');

    @Catch()
    class Swallow implements ExceptionFilter {
      catch(): string {
        return 'handled';
      }
    }

    @Injectable()
    class Listener {
      @UseFilters(Swallow)
      @RocketMQMessageListener({ topic, consumerGroup: unique('g'), consumeMode: 'ORDERLY' })
      on(text: string): ConsumeResult {
        if (text === 'test') return ConsumeResult.discard('a test');
        throw new TypeError('no such order');
      }
    }

    await using app = await start(cluster, Listener);
    for (const text of ['test', 'broken']) await app.get(RocketMQTemplate).send(topic, text, { shardingKey: 'one' });
    const [discarded, swallowed] = await spans(`process ${topic}`, 2);
    expect(discarded!.attributes).toMatchObject({ 'rocketnest.outcome': 'discard' });
    expect(discarded!.status.code).toBe(SpanStatusCode.UNSET);
    expect(swallowed!.attributes).toMatchObject({ 'rocketnest.outcome': 'discard', 'error.type': 'TypeError' });
    expect(swallowed!.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no such order' });
  });

  it('links batches to what they came from', async () => {
    await using cluster = await startCluster();
    const [topic, consumerGroup] = [unique('t'), unique('g')];
    const sizes: number[] = [];

    // It begins when all messages are there.
    @Injectable()
    class Listener {
      @RocketMQMessageListener({
        topic,
        consumerGroup,
        batch: { size: 8 },
        consumeMode: 'ORDERLY',
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        autoStartup: false,
      })
      on(texts: string[]): void {
        sizes.push(texts.length);
      }
    }

    await using app = await start(cluster, Listener);
    const caller = trace.getTracer('test').startSpan('caller');
    await context.with(trace.setSpan(ROOT_CONTEXT, caller), () =>
      app.get(RocketMQTemplate).sendBatch(topic, ['a', 'b', 'c']),
    );
    caller.end();
    await app.get(RocketMQListenerRegistry).get(consumerGroup).start();
    await waitFor(() => sizes.reduce((sum, size) => sum + size, 0) === 3, { what: 'the batch' });
    const [sent] = await spans(`send ${topic}`);
    expect(sent!.kind).toBe(SpanKind.CLIENT);
    expect(sent!.attributes).toMatchObject({ 'messaging.batch.message_count': 3 });
    expect(sent!.parentSpanContext?.spanId).toBe(caller.spanContext().spanId);
    const processed = await spans(`process ${topic}`, sizes.length);
    const batch = processed.find(({ attributes }) => attributes['messaging.batch.message_count'] === 3);
    expect(batch?.parentSpanContext).toBeUndefined();
    // All three came from one caller: one link.
    expect(batch?.links.map((link) => link.context.spanId)).toEqual([caller.spanContext().spanId]);
  });

  it('tells of sends that fail', async () => {
    await using cluster = await startCluster();
    const topic = unique('t');

    // Without a topic to create others from, there is no route.
    const options = { producer: { ...quick.producer, createTopicKey: unique('t') } };
    await using app = await startApp(at(cluster, { ...options, instrumentations: [new RocketMQTracing()] }), {});
    await expect(app.get(RocketMQTemplate).send(topic, 'a', { timeoutMs: 500 })).rejects.toThrow(topic);
    const [sent] = await spans(`send ${topic}`);
    expect(sent!.status.code).toBe(SpanStatusCode.ERROR);
    expect(sent!.attributes['error.type']).toBe('NO_ROUTE');
  });
});
