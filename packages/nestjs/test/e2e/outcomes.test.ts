import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { unique, waitFor } from '@rocketnest/testing';
import { ConsumeResult, type RocketMQContext, RocketMQMessageListener, RocketMQTemplate } from '../../src/index.js';
import { at, startApp } from './app.js';
import { startCluster } from './cluster.js';

let cluster: Awaited<ReturnType<typeof startCluster>>;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

/** An application with one handler, which gets the message and how often it came before. */
async function withHandler(
  handle: (text: string, times: number) => unknown,
  options: Partial<Parameters<typeof RocketMQMessageListener>[0]> = {},
) {
  const topic = unique('t');
  const consumerGroup = unique('g');

  @Injectable()
  class Listener {
    @RocketMQMessageListener({ topic, consumerGroup, ...options })
    on(text: string, context: RocketMQContext): unknown {
      return handle(text, context.getReconsumeTimes());
    }
  }

  const app = await startApp(at(cluster), { providers: [Listener] });
  const template = app.get(RocketMQTemplate);
  return { app, topic, group: consumerGroup, send: (text: string, more = {}) => template.send(topic, text, more) };
}

describe('a handler that fails', () => {
  it('gets the message again, and the failure is logged with everything needed to find it', async () => {
    const got: string[] = [];
    const { app, send, topic, group } = await withHandler((text, times) => {
      got.push(`${text} ${times}`);
      if (times === 0) throw new Error('db down');
    });
    await using _ = app;
    const { msgId } = await send('a');
    await waitFor(() => got.length === 2, { what: 'the second delivery' });
    expect(got).toEqual(['a 0', 'a 1']);
    expect(app.log.find('error', /./)).toEqual([
      `error Message ${msgId} of topic ${topic} (group ${group}) failed in Listener.on, attempt 1 of 17: Error: db down. It will be delivered again.`,
    ]);
    // Once: Nest does not report it as well.
    expect(app.nestLog.find('error', /./)).toEqual([]);
  });

  it('may be asynchronous: the message is consumed when its promise resolves, not before', async () => {
    let release: () => void = () => undefined;
    const order: string[] = [];
    const { app, send } = await withHandler(
      async (text) => {
        order.push(`${text} starts`);
        if (text === 'a') await new Promise<void>((resolve) => (release = resolve));
        order.push(`${text} ends`);
      },
      { concurrency: 1 },
    );
    await using _ = app;
    for (const text of ['a', 'b']) await send(text, { shardingKey: 'one' });
    await waitFor(() => order.length === 1, { what: 'the first handler' });
    release();
    await waitFor(() => order.length === 4, { what: 'both handlers' });
    expect(order).toEqual(['a starts', 'a ends', 'b starts', 'b ends']);
  });

  it('is left alone after maxReconsumeTimes', async () => {
    const got: number[] = [];
    const { app, send, group } = await withHandler(
      (_, times) => {
        got.push(times);
        throw new Error('never');
      },
      { maxReconsumeTimes: 1 },
    );
    await using _ = app;
    const dead: string[] = [];

    @Injectable()
    class DeadLetters {
      @RocketMQMessageListener({
        topic: `%DLQ%${group}`,
        consumerGroup: unique('dlq'),
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      })
      on(text: string): void {
        dead.push(text);
      }
    }
    await using _dlq = await startApp(at(cluster), { providers: [DeadLetters] });

    await send('a');
    await waitFor(() => dead.length > 0, { what: 'the dead letter' });
    expect(dead).toEqual(['a']);
    expect(got).toEqual([0, 1]);
    expect(app.log.find('error', /attempt 2 of 2/)).toHaveLength(1);
  });

  it('goes to the dead letter topic at once with delayLevelWhenNextConsume -1', async () => {
    const got: number[] = [];
    const { app, send } = await withHandler(
      (_, times) => {
        got.push(times);
        throw new Error('never');
      },
      { delayLevelWhenNextConsume: -1 },
    );
    await using _ = app;
    await send('a');
    await waitFor(() => app.log.find('error', /Error: never\. Moved to %DLQ%/).length === 1, { what: 'the log line' });
    expect(got).toEqual([0]);
  });
});

describe('ConsumeResult', () => {
  it('retryIn delivers again without an error in the log', async () => {
    const got: number[] = [];
    const { app, send } = await withHandler((_, times) => {
      got.push(times);
      return times === 0 ? ConsumeResult.retryIn(1) : 'done';
    });
    await using _ = app;
    await send('a');
    await waitFor(() => got.length === 2, { what: 'the second delivery' });
    expect(got).toEqual([0, 1]);
    expect(app.log.find('error', /./)).toEqual([]);
  });

  it('deadLetter gives up, and logs the reason', async () => {
    const { app, send, group } = await withHandler(() => ConsumeResult.deadLetter('customer is gone'));
    await using _ = app;
    const { msgId } = await send('a');
    await waitFor(
      () => app.log.find('warn', new RegExp(`${msgId}.*customer is gone\\. Moved to %DLQ%${group}`)).length === 1,
      {
        what: 'the log line',
      },
    );
  });

  it('suspend holds an orderly queue, so that nothing overtakes', async () => {
    const got: string[] = [];
    const { app, send } = await withHandler(
      (text) => {
        got.push(text);
        return got.length < 3 ? ConsumeResult.suspend(10) : undefined;
      },
      { consumeMode: 'ORDERLY' },
    );
    await using _ = app;
    for (const text of ['a', 'b']) await send(text, { shardingKey: 'one' });
    await waitFor(() => got.length === 4, { what: 'all deliveries' });
    expect(got).toEqual(['a', 'a', 'a', 'b']);
  });
});

describe('ORDERLY', () => {
  it('repeats a failed message before the next one, after suspendCurrentQueueTimeMillis', async () => {
    const got: string[] = [];
    const { app, send } = await withHandler(
      (text) => {
        got.push(text);
        if (got.length === 1) throw new Error('once');
      },
      { consumeMode: 'ORDERLY', suspendCurrentQueueTimeMillis: 10 },
    );
    await using _ = app;
    for (const text of ['a', 'b', 'c']) await send(text, { shardingKey: 'one' });
    await waitFor(() => got.length === 4, { what: 'all deliveries' });
    expect(got).toEqual(['a', 'a', 'b', 'c']);
    expect(app.log.find('error', /attempt 1 of any number: Error: once/)).toHaveLength(1);
  });
});

describe('BROADCASTING', () => {
  it('gives every instance every message, once', async () => {
    const [topic, consumerGroup] = [unique('t'), unique('g')];
    const got: string[] = [];
    const instance = (name: string) => {
      @Injectable()
      class Listener {
        @RocketMQMessageListener({ topic, consumerGroup, messageModel: 'BROADCASTING' })
        on(text: string): void {
          got.push(`${name} ${text}`);
          if (name === 'one') throw new Error('lost');
        }
      }
      return startApp(at(cluster), { providers: [Listener] });
    };
    await using one = await instance('one');
    await using two = await instance('two');
    await two.get(RocketMQTemplate).send(topic, 'a');
    await waitFor(() => got.length === 2, { what: 'both instances' });
    expect(got.sort()).toEqual(['one a', 'two a']);
    expect(one.log.find('error', /Broadcasting delivers once, so it is lost here/)).toHaveLength(1);
  });
});
