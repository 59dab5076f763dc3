import { expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { unique, waitFor } from '@rocketnest/testing';
import { RocketMQListenerRegistry, RocketMQMessageListener, RocketMQTemplate } from '../../src/index.js';
import { at, startApp } from './app.js';
import { startCluster } from './cluster.js';

it('a batch listener with timeoutMs gets full batches, and what there is when the time is over', async () => {
  await using cluster = await startCluster();
  const [topic, group] = [unique('t'), unique('g')];
  const calls: { payloads: string[]; at: number }[] = [];

  @Injectable()
  class Listener {
    @RocketMQMessageListener({ topic, consumerGroup: group, batch: { size: 3, timeoutMs: 1_500 } })
    on(payloads: string[]): void {
      calls.push({ payloads, at: Date.now() });
    }
  }

  await using app = await startApp(at(cluster, { topics: [{ name: topic, queues: 1 }] }), { providers: [Listener] });
  expect(app.log.find('log', /Listener\.on \(.*batches of 3, or after 1500 ms\)/)).toHaveLength(1);
  const template = app.get(RocketMQTemplate);
  const { consumer } = app.get(RocketMQListenerRegistry).get(group);
  await waitFor(() => consumer!.report().queues.some((queue) => queue.topic === topic), { what: 'the queue' });

  const sentAt = Date.now();
  await template.sendBatch(topic, ['a', 'b', 'c', 'd']);
  await waitFor(() => calls.flatMap(({ payloads }) => payloads).length === 4, { what: 'all messages' });
  expect(calls.map(({ payloads }) => payloads)).toEqual([['a', 'b', 'c'], ['d']]);
  expect(calls[1]!.at - sentAt).toBeGreaterThanOrEqual(1_400);
});
