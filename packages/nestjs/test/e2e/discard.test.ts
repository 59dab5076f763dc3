import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { unique, waitFor } from '@rocketnest/testing';
import { Registry } from 'prom-client';
import { tap } from 'rxjs';
import {
  type ConsumeCall,
  type ConsumeEnd,
  ConsumeResult,
  OnRocketMQEvent,
  type RocketMQBatchListener,
  type RocketMQContext,
  type RocketMQEvents,
  type RocketMQInstrumentation,
  RocketMQMessageListener,
  RocketMQReplyListener,
  RocketMQTemplate,
} from '../../src/index.js';
import { RocketMQMetrics } from '../../src/prometheus/index.js';
import { at, startApp } from './app.js';
import { startCluster } from './cluster.js';

let cluster: Awaited<ReturnType<typeof startCluster>>;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

@Catch()
class Swallow implements ExceptionFilter {
  catch(error: Error): string {
    return `handled ${error.message}`;
  }
}

@Catch()
class RetrySoon implements ExceptionFilter {
  catch(_: Error, host: ArgumentsHost): ConsumeResult | undefined {
    const context = host.getArgByIndex<RocketMQContext>(1);
    return context.getReconsumeTimes() === 0 ? ConsumeResult.retryIn(1) : ConsumeResult.discard('tried twice');
  }
}

/** Collects events. */
function listenToDiscards() {
  const heard: string[] = [];

  @Injectable()
  class Monitor {
    @OnRocketMQEvent('discard')
    on({ listener, reason, attempt, message }: RocketMQEvents['discard']): void {
      heard.push(`${listener} ${message.body} ${attempt} ${reason}`);
    }
  }
  return { heard, Monitor };
}

const consumedMetric = async (register: Registry, consumer_group: string) => {
  const { values } = await register.getSingleMetric('rocketnest_consumed_messages_total')!.get();
  const own = values.filter(({ labels }) => labels['consumer_group'] === consumer_group);
  return Object.fromEntries(own.map(({ labels, value }) => [labels['outcome'], value]));
};

describe('messages that nobody makes use of', () => {
  it('are events and counts: discarded ones of a batch, and those whose failure a filter swallowed', async () => {
    const [topic, group] = [unique('t'), unique('g')];
    const register = new Registry();
    const { heard, Monitor } = listenToDiscards();
    const batches: string[][] = [];

    @Injectable()
    @RocketMQMessageListener({ topic, consumerGroup: group, batch: true, consumeMode: 'ORDERLY' })
    class Batches implements RocketMQBatchListener<string> {
      @UseFilters(Swallow)
      onMessage(texts: string[]): ConsumeResult {
        batches.push(texts);
        if (texts.includes('broken')) throw new Error('db down');
        return ConsumeResult.each(texts.map((text) => (text === 'test' ? ConsumeResult.discard('a test') : undefined)));
      }
    }
    const instrumentations = [new RocketMQMetrics({ register })];
    await using app = await startApp(at(cluster, { instrumentations }), { providers: [Batches, Monitor] });
    const template = app.get(RocketMQTemplate);
    await template.sendBatch(topic, ['a', 'test']);
    await waitFor(() => batches.flat().length === 2, { what: 'the first batch' });
    await template.send(topic, 'broken');
    await waitFor(() => heard.length === 2, { what: 'both events' });
    expect(heard).toEqual(['Batches.onMessage test 1 a test', 'Batches.onMessage broken 1 Error: db down']);
    await waitFor(async () => (await consumedMetric(register, group))['discard'] === 2, { what: 'the count' });
    expect(await consumedMetric(register, group)).toEqual({ consumed: 1, discard: 2 });
    expect(
      app.log.find(
        'warn',
        /\(group \S+\) failed in Batches\.onMessage, attempt 1 of any number: Error: db down\. An exception filter/,
      ),
    ).toHaveLength(1);
  });

  it('a filter may choose the outcome', async () => {
    const topic = unique('t');
    const { heard, Monitor } = listenToDiscards();
    const attempts: number[] = [];

    @Injectable()
    class Listener {
      @UseFilters(RetrySoon)
      @RocketMQMessageListener({ topic, consumerGroup: unique('g') })
      on(_: string, context: RocketMQContext): never {
        attempts.push(context.getReconsumeTimes());
        throw new Error('db down');
      }
    }
    await using app = await startApp(at(cluster), { providers: [Listener, Monitor] });
    await app.get(RocketMQTemplate).send(topic, 'a');
    await waitFor(() => heard.length === 1, { what: 'the event' });
    expect(attempts).toEqual([0, 1]);
    expect(heard).toEqual(['Listener.on a 2 tried twice']);
    expect(app.log.find('warn', /Message/)).toEqual([]);
    expect(app.log.find('error', /./)).toEqual([]);
  });

  it('a discarded request is left to other groups; a filter’s value is an answer, and a line in the log', async () => {
    const topic = unique('t');
    const { heard, Monitor } = listenToDiscards();

    @Injectable()
    class Repliers {
      @RocketMQReplyListener({ topic, consumerGroup: unique('g') })
      notMine(_: string): ConsumeResult {
        return ConsumeResult.discard('not mine');
      }

      @UseFilters(Swallow)
      @RocketMQReplyListener({ topic, consumerGroup: unique('g') })
      mine(_: string): never {
        throw new Error('no such article');
      }
    }
    await using app = await startApp(at(cluster, { replyTimeoutMs: 20_000 }), { providers: [Repliers, Monitor] });
    await expect(app.get(RocketMQTemplate).request(topic, 'a')).resolves.toBe('handled no such article');
    await waitFor(() => heard.length === 1, { what: 'the event' });
    expect(heard).toEqual(['Repliers.notMine a 1 not mine']);
    expect(
      app.log.find(
        'warn',
        /Request \w+ of topic .* failed in Repliers\.mine: Error: no such article\. Its requester gets what an exception filter made of it/,
      ),
    ).toHaveLength(1);
  });
});

describe('AsyncLocalStorage', () => {
  it('set up by an instrumentation holds in guards, interceptors, the handler and what it sends', async () => {
    const topic = unique('t');
    const storage = new AsyncLocalStorage<string>();
    const seen: string[] = [];
    const see = (where: string): void => void seen.push(`${where} ${storage.getStore()}`);

    const perMessage: RocketMQInstrumentation = {
      consume: ({ messages }: ConsumeCall, next: () => Promise<ConsumeEnd>) =>
        storage.run(`${messages[0]?.body}`, next),
      sendHook: { beforeSend: ({ topic: to }) => (to === topic ? undefined : see('send')) },
    };

    @Injectable()
    class Guard implements CanActivate {
      async canActivate(): Promise<boolean> {
        await new Promise((resolve) => setImmediate(resolve));
        see('guard');
        return true;
      }
    }

    @Injectable()
    class Interceptor implements NestInterceptor {
      intercept(_: ExecutionContext, next: CallHandler) {
        see('interceptor');
        return next.handle().pipe(tap(() => see('after')));
      }
    }

    @Injectable()
    class Listener {
      constructor(private readonly template: RocketMQTemplate) {}

      @UseGuards(Guard)
      @UseInterceptors(Interceptor)
      @RocketMQMessageListener({ topic, consumerGroup: unique('g') })
      async on(_: string): Promise<void> {
        await new Promise((resolve) => setImmediate(resolve));
        see('handler');
        await this.template.send(unique('other'), 'x');
      }
    }
    await using app = await startApp(at(cluster, { instrumentations: [perMessage] }), { providers: [Listener] });
    await Promise.all(['a', 'b'].map((text) => app.get(RocketMQTemplate).send(topic, text)));
    await waitFor(() => seen.length === 10, { what: 'all steps of both messages' });
    for (const text of ['a', 'b']) {
      expect(seen.filter((step) => step.endsWith(` ${text}`))).toEqual(
        ['guard', 'interceptor', 'handler', 'send', 'after'].map((where) => `${where} ${text}`),
      );
    }
  });
});
