import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { RocketMQHealthIndicator, RocketMQMessageListener, RocketMQModule, RocketMQTemplate } from '@rocketnest/nestjs';
import { RocketMQTracing } from '@rocketnest/nestjs/opentelemetry';
import { RocketMQMetrics } from '@rocketnest/nestjs/prometheus';
import { unique, waitFor } from '@rocketnest/testing';
import { Registry } from 'prom-client';
import { bodiesDone, inFlight, redelivered } from '../../packages/nestjs/test/e2e/support/slow-application.js';
import { PATIENCE_MS, useCluster } from './support/cluster.js';

const cluster = useCluster();

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
beforeAll(() => provider.register());
afterAll(async () => {
  trace.disable();
  context.disable();
  propagation.disable();
  await provider.shutdown();
});

describe('a Nest application', () => {
  it('tells its lag and health, counts, and hands traces on', async () => {
    const [topic, group] = [await cluster.topic(2), unique('group')];
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const traceparents: (string | undefined)[] = [];

    @Injectable()
    class Listener {
      @RocketMQMessageListener({ topic, consumerGroup: group, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
      async on(): Promise<void> {
        const span = trace.getActiveSpan()?.spanContext();
        traceparents.push(span?.traceId);
        await opened;
      }
    }

    const register = new Registry();
    const rocketmq = RocketMQModule.forRoot({
      namesrvAddr: cluster.namesrvAddr,
      producer: { sendTimeoutMs: 20_000 },
      instrumentations: [new RocketMQMetrics({ register, lagIntervalMs: 0 }), new RocketMQTracing()],
    });
    const testing = await Test.createTestingModule({ imports: [rocketmq], providers: [Listener] }).compile();
    const app = testing.createNestApplication({ logger: false });
    cluster.closeLater(() => app.close());
    await app.init();

    const caller = trace.getTracer('test').startSpan('caller');
    await context.with(trace.setSpan(ROOT_CONTEXT, caller), async () => {
      for (let i = 0; i < 4; i++) await app.get(RocketMQTemplate).send(topic, `m${i}`);
    });
    caller.end();
    const health = app.get(RocketMQHealthIndicator);
    const lag = async () => (await health.check({ maxLag: 100 })).groups[group]?.lag;
    await waitFor(async () => (await lag()) === 4 && traceparents.length === 4, {
      what: 'a lag of 4',
      timeoutMs: PATIENCE_MS,
    });
    expect(new Set(traceparents)).toEqual(new Set([caller.spanContext().traceId]));
    expect(await health.check({ maxLag: 3 })).toMatchObject({
      status: 'down',
      groups: { [group]: { assignedQueues: 4 } },
    });
    expect(await register.metrics()).toMatch(
      new RegExp(`rocketmq_consumer_lag_messages\\{[^}]*topic="${topic}"[^}]*\\} 4\n`),
    );
    open();
    await waitFor(async () => (await lag()) === 0, { what: 'no lag', timeoutMs: PATIENCE_MS });
    expect((await health.check({ maxLag: 0 })).status).toBe('up');
  });

  it.each([
    ['finishes 1000 handlers after SIGTERM, and none comes again', 1_000, 30_000, true],
    ['names 1000 handlers that do not finish, and each comes again', -1, 500, false],
  ])(
    '%s',
    async (_, handlerMs, shutdownTimeoutMs, finish) => {
      const topic = await cluster.topic(4);
      const scenario = {
        namesrvAddr: cluster.namesrvAddr,
        topic,
        group: unique('group'),
        handlerMs,
        shutdownTimeoutMs,
      };
      const { child, bodyOf } = await inFlight(scenario, 1_000);
      await child.stop(PATIENCE_MS);
      const errors = child.lines.filter((line) => line.startsWith('error ')).join('\n');
      const all = [...bodyOf.values()].sort();
      expect(bodiesDone(child).sort()).toEqual(finish ? all : []);
      expect([...bodyOf.keys()].filter((msgId) => errors.includes(msgId))).toHaveLength(finish ? 0 : all.length);
      const again = await redelivered(scenario, finish ? 0 : all.length);
      expect([...new Set(again)].sort()).toEqual(finish ? [] : all);
    },
    180_000,
  );
});
