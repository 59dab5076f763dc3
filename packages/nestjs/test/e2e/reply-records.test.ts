import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Injectable } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { PropertyName } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import {
  ConsumeResult,
  RemoteReplyError,
  RocketMQConnection,
  type RocketMQLocalTransactionListener,
  RocketMQRecord,
  RocketMQRecordBuilder,
  RocketMQReplyListener,
  RocketMQTemplate,
  RocketMQTransactionListener,
  ServerRocketMQ,
} from '../../src/index.js';
import { at, startApp, type TestApp } from './app.js';
import { startCluster } from './cluster.js';

const [requests, patterns, orders] = [unique('requests'), unique('patterns'), unique('orders')];

/** What handlers of both kinds answer. */
function answerTo(what: string): unknown {
  const price = new RocketMQRecordBuilder({ price: 42 }).setTag('current').setKeys(['A-7', 'eu']);
  switch (what) {
    case 'price':
      return price.setHeaders({ currency: 'EUR', rounded: true, none: undefined }).build();
    case 'nothing':
      return new RocketMQRecordBuilder(undefined).setHeaders({ found: 'no' }).build();
    case 'late':
      return price.setDelay('1s').build();
    default:
      return ConsumeResult.deadLetter('cannot be');
  }
}

@Injectable()
@RocketMQReplyListener({ topic: requests, consumerGroup: unique('g') })
class Replies implements RocketMQReplyListener<string> {
  onMessage(what: string): unknown {
    return answerTo(what);
  }
}

@Controller()
class Patterns {
  @MessagePattern(patterns)
  on(what: string): unknown {
    return answerTo(what);
  }
}

const executed: unknown[] = [];

@Injectable()
@RocketMQTransactionListener({ topic: orders })
class Transactions implements RocketMQLocalTransactionListener<{ id: number }, string> {
  executeLocalTransaction(order: { id: number }, arg: string): void {
    executed.push(order, arg);
  }

  checkLocalTransaction() {
    return 'COMMIT' as const;
  }
}

let cluster: Awaited<ReturnType<typeof startCluster>>;
let app: TestApp;
let template: RocketMQTemplate;
beforeAll(async () => {
  cluster = await startCluster();
  const options = at(cluster, { replyTimeoutMs: 20_000, producer: { group: unique('p'), sendTimeoutMs: 15_000 } });
  app = await startApp(options, { controllers: [Patterns], providers: [Replies, Transactions] }, async (nest) => {
    nest.connectMicroservice({
      strategy: new ServerRocketMQ({ connection: nest.get(RocketMQConnection), consumerGroup: unique('g') }),
    });
    await nest.startAllMicroservices();
  });
  template = app.get(RocketMQTemplate);
});
afterAll(async () => {
  await app.close();
  await cluster.close();
});

const failureOf = (what: string, topic: string): Promise<RemoteReplyError> =>
  template.request(topic, what).then(
    (value) => Promise.reject(new Error(`resolved to ${JSON.stringify(value)}`)),
    (error: RemoteReplyError) => error,
  );

describe.each([
  ['a reply listener', requests],
  ['a @MessagePattern handler', patterns],
])('%s', (_, topic) => {
  it('answers with a RocketMQRecord: its payload, with tag, keys and headers', async () => {
    await expect(template.request(topic, 'price')).resolves.toEqual({ price: 42 });
    const reply = await template.getProducer().request({ topic, body: 'price' }, { timeoutMs: 20_000 });
    expect(JSON.parse(reply.body.toString())).toEqual({ price: 42 });
    expect(reply.properties).toMatchObject({
      [PropertyName.TAGS]: 'current',
      [PropertyName.KEYS]: 'A-7 eu',
      currency: 'EUR',
      rounded: 'true',
      contentType: 'application/json',
    });
    expect(reply.properties).not.toHaveProperty('none');
    const record = await template.request<RocketMQRecord<{ price: number }>>(topic, 'price', {
      replyType: RocketMQRecord,
    });
    expect(record).toBeInstanceOf(RocketMQRecord);
    expect(record.payload).toEqual({ price: 42 });
    expect(record.options).toMatchObject({ tag: 'current', keys: ['A-7', 'eu'], headers: { currency: 'EUR' } });
  });

  it('answers with headers and no payload', async () => {
    const reply = await template.getProducer().request({ topic, body: 'nothing' }, { timeoutMs: 20_000 });
    expect(reply.body.toString()).toBe('null');
    expect(reply.properties).toMatchObject({ found: 'no' });
  });

  it('tells the requester that a reply cannot be delayed, and why a request is a dead letter', async () => {
    const late = await failureOf('late', topic);
    expect(late).toBeInstanceOf(RemoteReplyError);
    expect(late).toMatchObject({
      remoteName: 'ConfigurationError',
      remoteMessage: expect.stringMatching(/has delay\. A reply goes to its requester at once/),
    });
    expect(await failureOf('dead', topic)).toMatchObject({ remoteMessage: 'cannot be' });
    await waitFor(() => app.log.find('warn', /cannot be\. Moved to %DLQ%/).length > 0, { what: 'the dead letter' });
  });
});

describe('sendMessageInTransaction', () => {
  it('gives the local transaction the payload of a record', async () => {
    const record = new RocketMQRecordBuilder({ id: 7 }).setKeys('7').build();
    await expect(template.sendMessageInTransaction(orders, record, 'arg')).resolves.toMatchObject({ state: 'COMMIT' });
    expect(executed).toEqual([{ id: 7 }, 'arg']);
  });
});
