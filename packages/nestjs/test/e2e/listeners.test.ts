// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are what is tested
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Injectable } from '@nestjs/common';
import { unique, waitFor } from '@rocketnest/testing';
import {
  Ctx,
  Headers,
  Keys,
  MessageId,
  Payload,
  ReconsumeTimes,
  RocketMQContext,
  type RocketMQListener,
  RocketMQListenerRegistry,
  RocketMQMessageListener,
  RocketMQTemplate,
  Tag,
} from '../../src/index.js';
import { at, startApp } from './app.js';
import { startCluster } from './cluster.js';

let cluster: Awaited<ReturnType<typeof startCluster>>;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

interface Order {
  id: number;
}

describe('listeners', () => {
  it('a decorated class gets the decoded payload and the context', async () => {
    const topic = unique('order');
    const got: [Order, RocketMQContext][] = [];

    @Injectable()
    @RocketMQMessageListener({ topic, consumerGroup: unique('stock') })
    class StockListener implements RocketMQListener<Order> {
      onMessage(order: Order, context: RocketMQContext): void {
        got.push([order, context]);
      }
    }

    await using app = await startApp(at(cluster), { providers: [StockListener] });
    const sent = await app
      .get(RocketMQTemplate)
      .send(`${topic}:created`, { id: 7 }, { keys: ['a', 'b'], headers: { who: 'me' } });
    await waitFor(() => got.length === 1, { what: 'the message' });

    const [[order, context]] = got as [[Order, RocketMQContext]];
    expect(order).toEqual({ id: 7 });
    expect(context).toBeInstanceOf(RocketMQContext);
    expect(context.getTopic()).toBe(topic);
    expect(context.getTag()).toBe('created');
    expect(context.getKeys()).toEqual(['a', 'b']);
    expect(context.getHeaders()).toEqual({ contentType: 'application/json', who: 'me' });
    expect(context.getHeader('who')).toBe('me');
    expect(context.getHeader('TAGS')).toBeUndefined();
    expect(context.getMessageId()).toBe(sent.msgId);
    expect(context.getReconsumeTimes()).toBe(0);
    expect(context.getQueue()).toMatchObject({ topic });
    expect(context.getConnection()).toBe('default');
  });

  it('methods of providers and controllers listen too, with decorated parameters', async () => {
    const topic = unique('order');
    const got: unknown[][] = [];

    @Injectable()
    class Billing {
      @RocketMQMessageListener({ topic, consumerGroup: unique('billing') })
      bill(
        @Payload('id') id: number,
        @Headers() headers: Record<string, string>,
        @Headers('who') who: string,
        @Keys() keys: string[],
        @Tag() tag: string,
        @MessageId() messageId: string,
        @ReconsumeTimes() times: number,
        @Ctx() context: RocketMQContext,
      ): void {
        got.push(['billing', id, headers['who'], who, keys, tag, messageId === context.getMessageId(), times]);
      }
    }

    @Controller()
    class Audit {
      @RocketMQMessageListener({ topic, consumerGroup: unique('audit') })
      audit(order: Order, context: RocketMQContext): void {
        got.push(['audit', order, context.getTag()]);
      }
    }

    await using app = await startApp(at(cluster), { providers: [Billing], controllers: [Audit] });
    await app.get(RocketMQTemplate).send(`${topic}:paid`, { id: 7 }, { keys: 'k', headers: { who: 'me' } });
    await waitFor(() => got.length === 2, { what: 'both messages' });
    expect(got.sort()).toEqual([
      ['audit', { id: 7 }, 'paid'],
      ['billing', 7, 'me', 'me', ['k'], 'paid', true, 0],
    ]);
  });

  it('listeners of one group share a consumer: each message goes to the one whose tag it has', async () => {
    const [topic, other, group] = [unique('order'), unique('user'), unique('shop')];
    const got: string[] = [];

    @Injectable()
    class Shop {
      @RocketMQMessageListener({ topic, selectorExpression: 'created', consumerGroup: group })
      created(text: string): void {
        got.push(`created ${text}`);
      }

      @RocketMQMessageListener({ topic, selectorExpression: 'paid || refunded', consumerGroup: group, concurrency: 4 })
      paid(text: string): void {
        got.push(`paid ${text}`);
      }

      @RocketMQMessageListener({ topic: other, consumerGroup: group })
      user(text: string): void {
        got.push(`user ${text}`);
      }
    }

    await using app = await startApp(at(cluster), { providers: [Shop] });
    const template = app.get(RocketMQTemplate);
    for (const to of [`${topic}:created`, `${topic}:paid`, `${topic}:refunded`, `${topic}:ignored`, `${other}:x`]) {
      await template.send(to, to.split(':')[1]);
    }
    await waitFor(() => got.length >= 4, { what: 'four messages' });
    expect(got.sort()).toEqual(['created created', 'paid paid', 'paid refunded', 'user x']);

    expect(app.get(RocketMQListenerRegistry).list()).toHaveLength(1);
    expect(app.log.find('log', /^log Mapped/)).toEqual([
      `log Mapped {${group}} ${topic}:created → Shop.created (concurrency 4, retries 16)`,
      `log Mapped {${group}} ${topic}:paid || refunded → Shop.paid (concurrency 4, retries 16)`,
      `log Mapped {${group}} ${other} → Shop.user (concurrency 4, retries 16)`,
    ]);
  });

  it('values come from the configuration, and a disabled listener does not exist', async () => {
    const topic = unique('order');
    const got: string[] = [];
    const resolver = (key: string): unknown => ({ 'mq.topic': topic, 'mq.off': false })[key];

    @Injectable()
    class Configured {
      @RocketMQMessageListener({ topic: '${mq.topic}', consumerGroup: `\${mq.group:${unique('g')}}` })
      on(text: string): void {
        got.push(text);
      }

      @RocketMQMessageListener({
        topic: '${mq.topic}',
        consumerGroup: unique('g'),
        enabled: (config) => config.get('mq.off') as boolean,
      })
      off(text: string): void {
        got.push(`off ${text}`);
      }
    }

    await using app = await startApp(at(cluster, { resolver }), { providers: [Configured] });
    await app.get(RocketMQTemplate).send(topic, 'x');
    await waitFor(() => got.length > 0, { what: 'the message' });
    expect(got).toEqual(['x']);
    expect(app.get(RocketMQListenerRegistry).list()).toHaveLength(1);
  });

  it('the registry pauses, resumes, stops and starts a group', async () => {
    const [topic, group] = [unique('order'), unique('g')];
    const got: string[] = [];

    @Injectable()
    @RocketMQMessageListener({ topic, consumerGroup: group, id: 'orders', autoStartup: false })
    class Orders implements RocketMQListener<string> {
      onMessage(text: string): void {
        got.push(text);
      }
    }

    await using app = await startApp(at(cluster), { providers: [Orders] });
    const template = app.get(RocketMQTemplate);
    const container = app.get(RocketMQListenerRegistry).get('orders');
    expect(container).toBe(app.get(RocketMQListenerRegistry).get(group));
    expect(container.state).toBe('created');

    await template.send(topic, 'before anybody listens');
    await container.start();
    await template.send(topic, '1');
    await waitFor(() => got.includes('1'), { what: 'the first message' });

    container.pause();
    expect(container.state).toBe('paused');
    await template.send(topic, '2');
    container.resume();
    await waitFor(() => got.includes('2'), { what: 'the second message' });

    await container.stop();
    expect(container.state).toBe('stopped');
    await template.send(topic, '3');
    await container.start();
    await waitFor(() => got.includes('3'), { what: 'the message sent while stopped' });
    expect(got).toEqual(['1', '2', '3']);
  });
});
