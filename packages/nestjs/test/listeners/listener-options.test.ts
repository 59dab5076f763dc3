// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are what is tested
import { describe, expect, it } from '@jest/globals';
import type { RocketMQListenerOptions } from '../../src/decorators/listener.js';
import { readListenerOptions } from '../../src/listeners/listener-options.js';
import { ValueResolver } from '../../src/values.js';

const values = new ValueResolver({ get: (key) => ({ 'mq.topic': 'order', 'mq.threads': '7' })[key] });
const read = (options: object) =>
  readListenerOptions(
    'OrderListener.onMessage',
    { topic: 't', consumerGroup: 'g', ...options } as RocketMQListenerOptions,
    values,
  );

describe('readListenerOptions', () => {
  it('has rocketmq-spring’s defaults', () => {
    expect(read({})).toEqual({
      enabled: true,
      subscription: { topic: 't', tags: undefined },
      group: 'g',
      id: undefined,
      consumer: {},
      client: {},
      delayLevel: 0,
      suspendMs: undefined,
      batch: false,
    });
  });

  it('resolves placeholders and functions, and turns text into numbers and booleans', () => {
    expect(
      read({
        topic: '${mq.topic}',
        consumerGroup: () => 'computed',
        selectorExpression: '${mq.tags:a || b}',
        consumeThreadNumber: '${mq.threads}',
        enabled: '${mq.enabled:false}',
      }),
    ).toMatchObject({
      enabled: false,
      group: 'computed',
      subscription: { topic: 'order', tags: new Set(['a', 'b']) },
      consumer: { concurrency: 7 },
    });
  });

  it('puts Spring’s names and units into the client’s', () => {
    const at = new Date('2026-01-01T00:00:00Z');
    expect(
      read({
        consumeMode: 'ORDERLY',
        messageModel: 'BROADCASTING',
        maxReconsumeTimes: 3,
        consumeTimeout: 2,
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        awaitTerminationMillisWhenShutdown: 1000,
        suspendCurrentQueueTimeMillis: 50,
        delayLevelWhenNextConsume: -1,
        autoStartup: false,
      }),
    ).toMatchObject({
      delayLevel: -1,
      suspendMs: 50,
      consumer: {
        consumeMode: 'ORDERLY',
        messageModel: 'BROADCASTING',
        maxReconsumeTimes: 3,
        consumeTimeoutMs: 120_000,
        consumeFrom: 'FIRST_OFFSET',
        shutdownTimeoutMs: 1000,
        autoStartup: false,
      },
    });
    expect(read({ consumeFromTimestamp: at, consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET' }).consumer.consumeFrom).toBe(
      at,
    );
    expect(read({ consumeFromTimestamp: at.toISOString() }).consumer.consumeFrom).toEqual(at);
  });

  it('takes an SQL92 expression instead of tags', () => {
    expect(read({ selectorType: 'SQL92', selectorExpression: 'amount > 100' }).subscription).toEqual({
      topic: 't',
      tags: undefined,
      sql92: 'amount > 100',
    });
    expect(() => read({ selectorType: 'SQL92' })).toThrow(/selectorType SQL92 and no selectorExpression/);
  });

  it.each([
    [
      { consumeThreadNumber: 0 },
      /OrderListener\.onMessage @RocketMQMessageListener\.consumeThreadNumber must be an integer from 1 to 1000, got 0/,
    ],
    [{ consumeMode: 'SORTED' }, /consumeMode must be one of 'CONCURRENTLY', 'ORDERLY', got 'SORTED'/],
    [{ topic: '' }, /topic must be a non-empty string, got ''/],
    [{ topic: undefined }, /needs a topic/],
    [{ consumerGroup: undefined }, /needs a consumerGroup/],
    [{ consumeFromTimestamp: 'soon' }, /consumeFromTimestamp must be a Date, or its ISO 8601 text/],
    [{ group: 'x' }, /has no option "group"\. Its options are: topic, consumerGroup/],
    [{ consumeThreadNumber: 5, concurrency: 6 }, /consumeThreadNumber 5 and concurrency 6, which mean the same/],
  ])('refuses %p', (options, message) => {
    expect(() => read(options)).toThrow(message);
  });
});

describe('what rocketmq-spring’s annotation has', () => {
  it.each([
    [{ accessKey: 'a' }, /has no secretKey\. Give accessKey and secretKey, or neither/],
    [{ namespace: 'a', namespaceV2: 'b' }, /has namespace and namespaceV2/],
    [{ accessChannel: 'CLOUD' }, /accessChannel must be 'LOCAL' \('CLOUD' traces go to a service of Alibaba Cloud/],
    [{ replyTimeout: 5 }, /has no option "replyTimeout"/],
    [{ nameServer: 'nonsense' }, /nameServer must be 'host:port'/],
    [{ batch: { size: 0 } }, /batch must be true, false or \{ size \} from 1 to 1024/],
    [{ batch: { size: 5, timeoutMs: -1 } }, /batch must be true, .*, with timeoutMs from 0 to 60000/],
    [{ consumer: { consumeMessageBatchWaitMs: 5 } }, /has no option "consumeMessageBatchWaitMs"/],
    [{ batch: { size: 5 }, consumeMessageBatchMaxSize: 6 }, /batch\.size 5 and consumeMessageBatchMaxSize 6/],
    [{ rateLimit: 0 }, /rateLimit must be a number of messages per second > 0, got 0/],
    [{ consumer: { concurrency: 5 } }, /@RocketMQMessageListener\.consumer has no option "concurrency"/],
    [{ consumer: { popBatchNums: 99 } }, /consumer\.popBatchNums must be an integer from 1 to 32/],
  ])('refuses %p', (options, message) => {
    expect(() => read(options)).toThrow(message);
  });

  it.each([
    [{ batch: true }, { consumeMessageBatchMaxSize: 32 }],
    [{ batch: { size: 5 } }, { consumeMessageBatchMaxSize: 5 }],
    [{ batch: { size: 5, timeoutMs: 200 } }, { consumeMessageBatchMaxSize: 5, consumeMessageBatchWaitMs: 200 }],
    [{ batch: true, consumeMessageBatchMaxSize: '7' }, { consumeMessageBatchMaxSize: 7 }],
    [{ consumeThreadMax: 64 }, { concurrency: 20 }],
    [{ consumeThreadMax: 5 }, { concurrency: 5 }],
    [{ consumeThreadNumber: 100, consumeThreadMax: 64 }, { concurrency: 64 }],
    [
      { enableMsgTrace: 'true', customizedTraceTopic: 'traces' },
      { traceEnable: true, traceTopic: 'traces' },
    ],
    [
      { pullInterval: 5, rateLimit: '${rate:2.5}' },
      { pullIntervalMs: 5, rateLimit: 2.5 },
    ],
  ])('reads %p', (options, consumer) => {
    expect(read(options).consumer).toEqual(consumer);
  });
});
