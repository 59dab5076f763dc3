import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { unique, waitFor } from '@rocketnest/testing';
import { Registry } from 'prom-client';
import {
  NonRetryableError,
  RocketMQListenerRegistry,
  RocketMQMessageListener,
  RocketMQTemplate,
} from '../../src/index.js';
import { RocketMQMetrics } from '../../src/prometheus/index.js';
import { at, startApp } from './app.js';
import { startCluster } from './cluster.js';

/** Value of a sample, e.g. `name{label="x"}`; undefined when there is none. */
async function sample(register: Registry, name: string, labels: Record<string, string>): Promise<number | undefined> {
  const lines = (await register.metrics()).split('\n');
  const line = lines.find(
    (text) =>
      text.startsWith(`${name}{`) && Object.entries(labels).every(([key, value]) => text.includes(`${key}="${value}"`)),
  );
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
}

describe('RocketMQMetrics', () => {
  it('counts sends and what became of messages, with durations', async () => {
    await using cluster = await startCluster();
    const [topic, consumer_group] = [unique('t'), unique('g')];
    const register = new Registry();

    @Injectable()
    class Listener {
      @RocketMQMessageListener({ topic, consumerGroup: consumer_group })
      on(text: string): void {
        if (text === 'bad') throw new NonRetryableError('bad');
      }
    }

    await using app = await startApp(at(cluster, { instrumentations: [new RocketMQMetrics({ register })] }), {
      providers: [Listener],
    });
    await app.get(RocketMQTemplate).send(topic, 'good');
    await app.get(RocketMQTemplate).sendBatch(topic, ['good', 'bad']);
    const outcome = (name: string) =>
      sample(register, 'rocketnest_consumed_messages_total', { topic, consumer_group, outcome: name });
    await waitFor(async () => (await outcome('consumed')) === 2 && (await outcome('dead-letter')) === 1, {
      what: 'three messages',
    });
    const success = { topic, invocation_status: 'success' };
    expect(await sample(register, 'rocketnest_sent_messages_total', success)).toBe(3);
    expect(await sample(register, 'rocketmq_send_cost_time_count', success)).toBe(2);
    expect(await sample(register, 'rocketmq_process_time_count', { ...success, consumer_group })).toBe(2);
    const failure = { topic, consumer_group, invocation_status: 'failure' };
    expect(await sample(register, 'rocketmq_process_time_count', failure)).toBe(1);
    expect(await sample(register, 'rocketmq_send_to_dlq_messages_total', { topic, consumer_group })).toBe(1);
    expect(await sample(register, 'rocketnest_connected', { connection: 'default' })).toBe(1);
    expect(await sample(register, 'rocketnest_sends_in_flight', { connection: 'default' })).toBe(0);
  });

  it('tells how far behind consumers are, and forgets those that stop', async () => {
    await using cluster = await startCluster();
    const [topic, consumer_group] = [unique('t'), unique('g')];
    const register = new Registry();
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));

    @Injectable()
    class Slow {
      @RocketMQMessageListener({ topic, consumerGroup: consumer_group, concurrency: 1 })
      async on(): Promise<void> {
        await opened;
      }
    }

    await using app = await startApp(
      at(cluster, { instrumentations: [new RocketMQMetrics({ register, lagIntervalMs: 0 })] }),
      { providers: [Slow] },
    );
    for (let i = 0; i < 5; i++) await app.get(RocketMQTemplate).send(topic, `m${i}`);
    const lag = () => sample(register, 'rocketmq_consumer_lag_messages', { consumer_group, topic, is_retry: 'false' });
    const cached = () => sample(register, 'rocketmq_consumer_cached_messages', { topic, consumer_group });
    await waitFor(async () => (await lag()) === 5 && (await cached()) === 5, { what: 'a lag of 5' });
    expect(await sample(register, 'rocketnest_consumer_running_handlers', { consumer_group })).toBe(1);
    expect(await sample(register, 'rocketnest_consumer_queues', { topic, consumer_group })).toBe(4);
    open();
    await waitFor(async () => (await lag()) === 0, { what: 'no lag' });

    await app.get(RocketMQListenerRegistry).get(consumer_group).stop();
    expect(await lag()).toBeUndefined();
    expect(await cached()).toBeUndefined();
  });

  it('refuses a registry that has the metrics already', () => {
    const register = new Registry();
    new RocketMQMetrics({ register });
    expect(() => new RocketMQMetrics({ register })).toThrow(/has rocketmq_send_cost_time already.*new Registry/);
  });
});
