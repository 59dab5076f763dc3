// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are what is tested
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';
import { unique, waitFor } from '@rocketnest/testing';
import {
  ConsumeResult,
  Ctx,
  DeadLetter,
  type DeadLetterInfo,
  Headers,
  Payload,
  type RocketMQContext,
  RocketMQDlqListener,
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

interface Order {
  readonly id: unknown;
}

@Injectable()
class IdIsNumber implements PipeTransform<Order> {
  transform(order: Order): Order {
    if (typeof order.id !== 'number') throw new BadRequestException(['id must be a number']);
    return order;
  }
}

/** An application whose listener gives messages up, and one that reads what it gave up. */
async function withDeadLetters(
  handle: (order: Order) => unknown,
  options: Partial<Parameters<typeof RocketMQMessageListener>[0]> = {},
) {
  const [topic, consumerGroup] = [unique('t'), unique('g')];
  const got: { order: Order; info: DeadLetterInfo | undefined; reason: string | undefined; who: string }[] = [];
  let deliveries = 0;

  @Injectable()
  class Listener {
    @RocketMQMessageListener({ topic, consumerGroup, ...options })
    on(@Payload(IdIsNumber) order: Order): unknown {
      deliveries++;
      return handle(order);
    }
  }

  @Injectable()
  class Graveyard {
    @RocketMQDlqListener(consumerGroup)
    on(
      @Payload() order: Order,
      @Ctx() context: RocketMQContext,
      @DeadLetter('reason') reason: string | undefined,
      @Headers('who') who: string,
    ): void {
      got.push({ order, info: context.getDeadLetter(), reason, who });
    }
  }

  const app = await startApp(at(cluster), { providers: [Listener, Graveyard] });
  const template = app.get(RocketMQTemplate);
  return {
    app,
    topic,
    group: consumerGroup,
    got,
    deliveries: () => deliveries,
    send: (order: unknown) => template.send(`${topic}:new`, order, { headers: { who: 'me' } }),
  };
}

describe('RocketMQDlqListener', () => {
  it.each(['CONCURRENTLY', 'ORDERLY'] as const)(
    'gets what fails a pipe, once, decoded like the original and with the reason (%s)',
    async (consumeMode) => {
      const { app, topic, group, got, deliveries, send } = await withDeadLetters(() => undefined, { consumeMode });
      await using _ = app;
      const { msgId } = await send({ id: 'seven' });
      await waitFor(() => got.length === 1, { what: 'the dead letter' });
      const reason = 'BadRequestException: id must be a number';
      expect(got).toEqual([
        { order: { id: 'seven' }, info: { group, topic, messageId: msgId, reason }, reason, who: 'me' },
      ]);
      expect(deliveries()).toBe(0);
      expect(app.log.find('error', /id must be a number\. Moved to %DLQ%/)).toHaveLength(1);
    },
  );

  it('gets what failed too often, with the last error', async () => {
    let attempt = 0;
    const { app, got, send } = await withDeadLetters(
      () => {
        throw new Error(`db down ${++attempt}`);
      },
      { maxReconsumeTimes: 1 },
    );
    await using _ = app;
    await send({ id: 1 });
    await waitFor(() => got.length === 1, { what: 'the dead letter' });
    expect(got[0]!.reason).toBe('Error: db down 2');
    expect(attempt).toBe(2);
  });

  it('gets what a handler gave up, what it always wants again, and what cannot be decoded', async () => {
    const { app, got, send } = await withDeadLetters(
      ({ id }) => (id === 1 ? ConsumeResult.deadLetter('customer is gone') : ConsumeResult.retryIn(1)),
      { maxReconsumeTimes: 1, payloadType: Object.assign(class Order {}) },
    );
    await using _ = app;
    await send({ id: 1 });
    await send({ id: 2 });
    await send('{"id":');
    await waitFor(() => got.length === 3, { what: 'the dead letters' });
    expect(got.map(({ reason }) => reason).sort()).toEqual([
      expect.stringMatching(/^NonRetryableError: The body of message .* is not JSON/),
      'customer is gone',
      'its handler asked for it to be delivered again, after attempt 2 of 2',
    ]);
  });

  it('reads from the oldest dead letter on, under a group of its own', async () => {
    const [topic, group] = [unique('t'), unique('g')];
    const got: string[] = [];

    @Injectable()
    class Listener {
      @RocketMQMessageListener({ topic, consumerGroup: group })
      on(): unknown {
        return ConsumeResult.deadLetter();
      }
    }
    await using app = await startApp(at(cluster), { providers: [Listener] });
    await app.get(RocketMQTemplate).send(topic, 'old');
    await waitFor(() => app.log.find('warn', /Moved to %DLQ%/).length === 1, { what: 'the dead letter' });

    @Injectable()
    @RocketMQDlqListener({ group: '${group}', id: 'graveyard', concurrency: 1 })
    class Graveyard {
      onMessage(text: string): void {
        got.push(text);
      }
    }
    await using reader = await startApp(at(cluster, { resolver: (key) => (key === 'group' ? group : undefined) }), {
      providers: [Graveyard],
    });
    await waitFor(() => got.length === 1, { what: 'the old dead letter' });
    expect(reader.get(RocketMQListenerRegistry).get('graveyard').group).toBe(`${group}-dlq`);
  });

  it('has errors that name it', async () => {
    @Injectable()
    class Graveyard {
      @RocketMQDlqListener({ group: 'g', concurrency: 0 })
      on(): void {}
    }
    await expect(startApp(at(cluster), { providers: [Graveyard] })).rejects.toThrow(
      /Graveyard\.on @RocketMQDlqListener\.concurrency must be an integer from 1 to 1000/,
    );
  });
});
