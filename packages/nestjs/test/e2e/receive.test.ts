import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { unique, waitFor } from '@rocketnest/testing';
import { NonRetryableError, RocketMQRecordBuilder, RocketMQTemplate } from '../../src/index.js';
import { at, startApp } from './app.js';
import { startCluster } from './cluster.js';

let cluster: Awaited<ReturnType<typeof startCluster>>;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

const start = (topic: string, group: string, more: object = {}) =>
  startApp(at(cluster, { topics: [{ name: topic, queues: 1 }], pullConsumer: { topic, group, ...more } }), {});

/** Payloads of as many calls as it takes to get `count`. */
async function receiveAll(template: RocketMQTemplate, count: number): Promise<unknown[]> {
  const got: unknown[] = [];
  await waitFor(
    async () => {
      got.push(...(await template.receive({ timeoutMs: 500 })));
      return got.length >= count;
    },
    { what: `${count} payloads` },
  );
  return got;
}

describe('RocketMQTemplate.receive', () => {
  it('hands out payloads when asked, and goes on there after a restart', async () => {
    const [topic, group] = [unique('t'), unique('g')];
    const more = { consumeFrom: 'FIRST_OFFSET', selectorExpression: 'a || b', pullBatchSize: 2 };
    {
      await using app = await start(topic, group, more);
      const template = app.get(RocketMQTemplate);
      for (const tag of ['a', 'x', 'b', 'a']) await template.send(`${topic}:${tag}`, { tag });
      expect(await receiveAll(template, 3)).toEqual([{ tag: 'a' }, { tag: 'b' }, { tag: 'a' }]);
      await expect(template.receive(Object, 0)).resolves.toEqual([]);
      await template.getConsumer().commit();
    }
    await using again = await start(topic, group, more);
    await again.get(RocketMQTemplate).send(`${topic}:b`, 'last');
    expect(await receiveAll(again.get(RocketMQTemplate), 1)).toEqual(['last']);
  });

  it('tells of a body that cannot be decoded once, and loses nothing around it', async () => {
    const topic = unique('t');
    await using app = await start(topic, unique('g'), { consumeFrom: 'FIRST_OFFSET' });
    const template = app.get(RocketMQTemplate);
    const broken = new RocketMQRecordBuilder('{').setHeaders({ contentType: 'application/json' }).build();
    await template.sendBatch(topic, [1, broken, 2]);
    expect(await receiveAll(template, 1)).toEqual([1]);
    await expect(template.receive()).rejects.toThrow(NonRetryableError);
    expect(await receiveAll(template, 1)).toEqual([2]);
  });

  it('waits no longer than the signal allows', async () => {
    await using app = await start(unique('t'), unique('g'));
    const abort = new AbortController();
    const receiving = app.get(RocketMQTemplate).receive({ timeoutMs: 60_000, signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(receiving).rejects.toThrow('enough');
  });

  it('says what is missing', async () => {
    await using app = await startApp(at(cluster), {});
    await expect(app.get(RocketMQTemplate).receive()).rejects.toThrow(/Set pullConsumer: \{ topic, group \}/);
    const bad = (pullConsumer: object) => startApp(at(cluster, { pullConsumer: pullConsumer as never }), {});
    await expect(bad({ group: 'g' })).rejects.toThrow(/'default'\.pullConsumer needs a topic/);
    await expect(bad({ topic: 't', group: 'g', pullBatchSize: 0 })).rejects.toThrow(
      /pullConsumer\.pullBatchSize must be/,
    );
    await expect(bad({ topic: 't', group: 'g', selectorType: 'SQL92' })).rejects.toThrow(/no selectorExpression/);
  });
});

describe('RocketMQTemplate.recall', () => {
  it('takes a delayed message back', async () => {
    const [topic, group] = [unique('t'), unique('g')];
    await using app = await startApp(
      at(cluster, { topics: [{ name: topic }], pullConsumer: { topic, group, consumeFrom: 'FIRST_OFFSET' } }),
      {},
    );
    const template = app.get(RocketMQTemplate);
    const first = await template.send(topic, 'recalled', { delay: '4s' });
    const second = await template.send(topic, 'recalled too', { delay: '4s' });
    await template.send(topic, 'kept', { delay: '4s' });
    await expect(template.recall(first)).resolves.toBe(first.msgId);
    await expect(template.recall(topic, second.recallHandle!)).resolves.toBe(second.msgId);
    expect(await receiveAll(template, 1)).toEqual(['kept']);
    const plain = await template.send(topic, 'now');
    await expect(template.recall(plain)).rejects.toThrow(/has no recallHandle/);
  });
});
