import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BadRequestException, Inject, Injectable, type PipeTransform, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { unique, waitFor } from '@rocketnest/testing';
import {
  ConsumeResult,
  Ctx,
  Headers,
  isRocketMQContext,
  Keys,
  NonRetryableError,
  Payload,
  type RocketMQBatchListener,
  RocketMQContext,
  RocketMQListenerRegistry,
  RocketMQMessageListener,
  RocketMQTemplate,
} from '../../src/index.js';
import { at, startApp } from './app.js';
import { startCluster } from './cluster.js';

let cluster: Awaited<ReturnType<typeof startCluster>>;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

type Options = Partial<Parameters<typeof RocketMQMessageListener>[0]>;

/** An application with a batch handler that has not begun: everything sent is there, in one queue, when it does. */
async function withBatches(
  handle: (texts: string[], contexts: RocketMQContext[]) => unknown,
  sent: readonly (string | Buffer | object)[],
  options: Options = {},
) {
  const topic = unique('t');
  const consumerGroup = unique('g');
  const calls: string[][] = [];

  @Injectable()
  class Listener {
    @RocketMQMessageListener({
      topic,
      consumerGroup,
      batch: true,
      autoStartup: false,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      ...options,
    })
    on(texts: string[], contexts: RocketMQContext[]): unknown {
      calls.push(texts);
      return handle(texts, contexts);
    }
  }

  const app = await startApp(at(cluster), { providers: [Listener] });
  for (const payload of sent) await app.get(RocketMQTemplate).send(topic, payload, { shardingKey: 'one' });
  await app.get(RocketMQListenerRegistry).get(consumerGroup).start();
  return { app, topic, group: consumerGroup, calls };
}

describe('a batch listener', () => {
  it('gets arrays of payloads and contexts, at most as many as it says', async () => {
    const contexts: RocketMQContext[][] = [];
    const { app, calls } = await withBatches((_, theirs) => void contexts.push(theirs), ['a', 'b', 'c', 'd', 'e'], {
      batch: { size: 2 },
    });
    await using _ = app;
    await waitFor(() => calls.flat().length === 5, { what: 'all messages' });
    expect(calls.flat().sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(Math.max(...calls.map(({ length }) => length))).toBe(2);
    expect(contexts.map((theirs) => theirs.map((context) => context.getMessage().body.toString()))).toEqual(calls);
    expect(app.log.find('log', /Mapped .* → Listener\.on \(concurrency 20, retries 16, batches of 2\)/)).toHaveLength(
      1,
    );
  });

  it('works as a class, with decorated parameters, pipes and request scope', async () => {
    const topic = unique('t');
    const consumerGroup = unique('g');
    const got: unknown[] = [];

    @Injectable()
    class IdsOf implements PipeTransform {
      transform(orders: { id: number }[]): number[] {
        return orders.map(({ id }) => id);
      }
    }

    @Injectable({ scope: Scope.REQUEST })
    @RocketMQMessageListener({ topic, consumerGroup, batch: true })
    class Listener implements RocketMQBatchListener<number> {
      constructor(@Inject(REQUEST) private readonly request: unknown) {}

      onMessage(
        @Payload(IdsOf) ids: number[],
        @Ctx() contexts: RocketMQContext[],
        @Keys() keys?: string[][],
        @Headers('who') who?: string[],
      ): void {
        got.push(ids, contexts[0] instanceof RocketMQContext, this.request === contexts, keys, who);
      }
    }

    await using app = await startApp(at(cluster), { providers: [Listener] });
    await app.get(RocketMQTemplate).send(topic, { id: 7 }, { keys: ['a', 'b'], headers: { who: 'me' } });
    await waitFor(() => got.length > 0, { what: 'the message' });
    expect(got).toEqual([[7], true, true, [['a', 'b']], ['me']]);
  });

  it('says for each message what becomes of it', async () => {
    const { app, topic, group, calls } = await withBatches(
      async (texts, contexts) =>
        ConsumeResult.each(
          await Promise.allSettled(
            texts.map(async (text, i) => {
              if (text === 'fails' && contexts[i]!.getReconsumeTimes() === 0) throw new Error('db down');
              if (text === 'dead') return ConsumeResult.deadLetter('customer is gone');
              if (text === 'later' && contexts[i]!.getReconsumeTimes() === 0) return ConsumeResult.retryIn(1);
              return text;
            }),
          ),
        ),
      ['ok', 'fails', 'dead', 'later', 'fine'],
    );
    await using _ = app;
    await waitFor(() => calls.flat().length === 7, { what: 'the second deliveries' });
    expect(calls[0]).toEqual(['ok', 'fails', 'dead', 'later', 'fine']);
    expect(calls.slice(1).flat().sort()).toEqual(['fails', 'later']);
    expect(app.log.find('error', /./)).toHaveLength(1);
    expect(app.log.find('error', new RegExp(`of topic ${topic} .* attempt 1 of 17: Error: db down`))).toHaveLength(1);
    expect(app.log.find('warn', new RegExp(`customer is gone\\. Moved to %DLQ%${group}`))).toHaveLength(1);
  });

  it('has all come again when it throws, with one line in the log', async () => {
    let failed = false;
    const { app, calls } = await withBatches(() => {
      if (failed) return;
      failed = true;
      throw new Error('db down');
    }, ['a', 'b', 'c']);
    await using _ = app;
    await waitFor(() => calls.flat().length === 6, { what: 'the second deliveries' });
    expect(calls[0]).toEqual(['a', 'b', 'c']);
    expect(calls.slice(1).flat().sort()).toEqual(['a', 'b', 'c']);
    expect(app.log.find('error', /./)).toEqual([
      expect.stringMatching(
        /A batch of 3 messages .* failed in Listener\.on: Error: db down\. Of them 3 will be delivered again: /,
      ),
    ]);
  });

  it('is called with one message at a time when a failure is final, so that only the bad one becomes a dead letter', async () => {
    const { app, group, calls } = await withBatches(
      (texts) => {
        if (texts.includes('bad')) throw new NonRetryableError('cannot be');
      },
      ['a', 'bad', 'c'],
    );
    await using _ = app;
    await waitFor(() => calls.length === 4, { what: 'the calls one by one' });
    expect(calls).toEqual([['a', 'bad', 'c'], ['a'], ['bad'], ['c']]);
    await waitFor(() => app.log.find('error', new RegExp(`cannot be\\. Moved to %DLQ%${group}`)).length === 1, {
      what: 'the log line',
    });
  });

  it('does not get messages that cannot be decoded; they become dead letters alone', async () => {
    const { app, calls } = await withBatches(() => undefined, [{ id: 1 }, '{"id":', { id: 3 }], {
      payloadType: Object.assign(class Order {}),
    });
    await using _ = app;
    await waitFor(() => calls.length === 1, { what: 'the batch' });
    expect(calls).toEqual([[{ id: 1 }, { id: 3 }]]);
    expect(app.log.find('error', /is not JSON.*Moved to %DLQ%/)).toHaveLength(1);
  });

  it('keeps the order: what follows a failed message comes again with it', async () => {
    let failures = 0;
    const { app, calls } = await withBatches(
      (texts) =>
        ConsumeResult.each(texts.map((text) => (text === 'b' && failures++ === 0 ? new Error('once') : undefined))),
      ['a', 'b', 'c'],
      { consumeMode: 'ORDERLY', suspendCurrentQueueTimeMillis: 10 },
    );
    await using _ = app;
    await waitFor(() => calls.length === 2, { what: 'the second call' });
    expect(calls).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
    ]);
  });

  it('fails when it gives too few results', async () => {
    let calledTimes = 0;
    const { app } = await withBatches(
      () => (calledTimes++ === 0 ? ConsumeResult.each([undefined]) : undefined),
      ['a', 'b'],
    );
    await using _ = app;
    await waitFor(() => calledTimes > 1, { what: 'the second delivery' });
    expect(app.log.find('error', /ConsumeResult\.each with 1 results for a batch of 2/)).toHaveLength(1);
  });

  it('shares its group with listeners of single messages', async () => {
    const [one, two, consumerGroup] = [unique('t'), unique('t'), unique('g')];
    const got: unknown[] = [];

    @Injectable()
    class Shop {
      @RocketMQMessageListener({ topic: one, consumerGroup, batch: { size: 10 } })
      many(texts: string[]): void {
        got.push(...texts.map((text) => `many ${text}`));
      }

      @RocketMQMessageListener({ topic: two, consumerGroup })
      single(text: string): void {
        got.push(`single ${text}`);
      }
    }

    await using app = await startApp(at(cluster), { providers: [Shop] });
    const template = app.get(RocketMQTemplate);
    await Promise.all([one, two].flatMap((topic) => ['a', 'b'].map((text) => template.send(topic, text))));
    await waitFor(() => got.length === 4, { what: 'all messages' });
    expect(got.sort()).toEqual(['many a', 'many b', 'single a', 'single b']);
  });
});

describe('consumeMessageBatchMaxSize without batch', () => {
  it('hands messages over one after the other, and only those that failed come again', async () => {
    const topic = unique('t');
    const consumerGroup = unique('g');
    const got: string[] = [];

    @Injectable()
    class Listener {
      @RocketMQMessageListener({
        topic,
        consumerGroup,
        consumeMessageBatchMaxSize: 8,
        autoStartup: false,
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      })
      on(text: string, context: RocketMQContext): void {
        got.push(text);
        if (text === 'bad') throw new BadRequestException('never');
        if (text === 'b' && context.getReconsumeTimes() === 0) throw new Error('once');
      }
    }

    await using app = await startApp(at(cluster), { providers: [Listener] });
    for (const text of ['a', 'b', 'bad', 'c'])
      await app.get(RocketMQTemplate).send(topic, text, { shardingKey: 'one' });
    await app.get(RocketMQListenerRegistry).get(consumerGroup).start();
    await waitFor(() => got.length === 5, { what: 'the second delivery' });
    expect(got).toEqual(['a', 'b', 'bad', 'c', 'b']);
  });
});

it('isRocketMQContext holds for guards of batch listeners', async () => {
  const topic = unique('t');
  const seen: boolean[] = [];

  @Injectable()
  class Listener {
    @RocketMQMessageListener({ topic, consumerGroup: unique('g'), batch: true })
    on(): void {}
  }

  await using app = await startApp(at(cluster, { globalEnhancers: true }), { providers: [Listener] }, (nest) =>
    nest.useGlobalGuards({ canActivate: (context) => seen.push(isRocketMQContext(context)) > 0 }),
  );
  await app.get(RocketMQTemplate).send(topic, 'a');
  await waitFor(() => seen.length === 1, { what: 'the guard' });
  expect(seen).toEqual([true]);
});
