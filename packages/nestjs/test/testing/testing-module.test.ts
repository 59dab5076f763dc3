import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  ConsumeResult,
  RocketMQConnection,
  type RocketMQListener,
  RocketMQListenerRegistry,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQTemplate,
  type RocketMQTransactionChecker,
  RocketMQTransactionListener,
  type TransactionState,
} from '../../src/index.js';
import { APACHE_DELAYS, RocketMQTestConnection, RocketMQTestingModule } from '../../src/testing/index.js';
import { RecordingLogger } from '../e2e/app.js';

interface Order {
  id: number;
}

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What a listener got, in the order it finished. */
class Received {
  readonly stock: number[] = [];
  readonly attempts: number[] = [];
  readonly broadcast: number[] = [];
}

@Injectable()
@RocketMQMessageListener({ topic: 'order', selectorExpression: 'created', consumerGroup: 'stock' })
class StockListener implements RocketMQListener<Order> {
  constructor(private readonly received: Received) {}

  /** Slow enough that a test which does not wait for handlers sees nothing. */
  async onMessage({ id }: Order): Promise<void> {
    await later(150);
    this.received.stock.push(id);
  }
}

@Injectable()
@RocketMQMessageListener({ topic: 'flaky', consumerGroup: 'flaky-group', maxReconsumeTimes: 3 })
class FlakyListener implements RocketMQListener<Order> {
  constructor(private readonly received: Received) {}

  onMessage({ id }: Order): void {
    this.received.attempts.push(id);
    throw new Error('never works');
  }
}

@Injectable()
@RocketMQMessageListener({ topic: 'poison', consumerGroup: 'poison-group' })
class PoisonListener implements RocketMQListener<Order> {
  onMessage(): ConsumeResult {
    return ConsumeResult.deadLetter('poison');
  }
}

@Injectable()
@RocketMQTransactionListener({ topic: 'order' })
class OrderTransactions implements RocketMQTransactionChecker<Order> {
  checks = 0;

  check(): TransactionState {
    this.checks += 1;
    return 'COMMIT';
  }
}

@Injectable()
class OrderService {
  constructor(private readonly rocketmq: RocketMQTemplate) {}

  async create(...ids: number[]): Promise<void> {
    for (const id of ids) await this.rocketmq.send('order:created', { id });
  }
}

const providers = [Received, StockListener, FlakyListener, PoisonListener, OrderTransactions, OrderService];

describe('the testing module with a real broker', () => {
  let module: TestingModule;
  let rocketmq: RocketMQTestConnection;
  let template: RocketMQTemplate;
  let received: Received;

  beforeEach(async () => {
    module = await Test.createTestingModule({
      imports: [
        RocketMQTestingModule.forRoot({ logger: new RecordingLogger(), producer: { group: 'orders-service' } }),
      ],
      providers,
    }).compile();
    await module.init();
    rocketmq = module.get(RocketMQTestConnection);
    template = module.get(RocketMQTemplate);
    received = module.get(Received);
  });
  afterEach(() => module.close());

  it('is idle when nothing was sent', async () => {
    await rocketmq.idle();
    expect(received.stock).toEqual([]);
  });

  it('is idle when the handlers of all messages have finished', async () => {
    await module.get(OrderService).create(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    await rocketmq.idle();
    expect(received.stock.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('does not wait for messages that nobody subscribes to', async () => {
    await template.send('nobody', { id: 1 });
    await template.send('order:paid', { id: 2 });
    await module.get(OrderService).create(3);
    await template.send('order:paid', { id: 4 });
    await rocketmq.idle({ timeoutMs: 10_000 });
    expect(received.stock).toEqual([3]);
  });

  it('retries without delay until the message is dead', async () => {
    await template.send('flaky', { id: 1 });
    await rocketmq.idle();
    expect(received.attempts).toEqual([1, 1, 1, 1]);
    expect(await rocketmq.deadLetters('flaky-group')).toHaveLength(1);
  });

  it('shows what was given up', async () => {
    expect(await rocketmq.deadLetters('poison-group')).toEqual([]);
    await template.send('poison', { id: 1 });
    await rocketmq.idle();
    const [letter] = await rocketmq.deadLetters('poison-group');
    expect(letter?.originTopic).toBe('poison');
    expect(letter?.message.body.toString()).toBe('{"id":1}');
  });

  it('waits for messages that are due later, and has time pass', async () => {
    await template.send('order:created', { id: 1 }, { delay: '15m' });
    await expect(rocketmq.idle({ timeoutMs: 300 })).rejects.toThrow(/1 messages wait for the time they are due/);
    expect(received.stock).toEqual([]);
    rocketmq.advance('14m');
    await expect(rocketmq.idle({ timeoutMs: 1_500 })).rejects.toThrow(/not idle/);
    expect(received.stock).toEqual([]);
    rocketmq.advance('1m');
    await rocketmq.idle();
    expect(received.stock).toEqual([1]);
  });

  it('waits for the outcome of transactions, those the broker has to ask for too', async () => {
    await template.sendInTransaction('order:created', { id: 1 }, () => 'COMMIT');
    await template.sendInTransaction('order:created', { id: 2 }, () => 'UNKNOWN');
    await rocketmq.idle();
    expect([...received.stock].sort()).toEqual([1, 2]);
    expect(module.get(OrderTransactions).checks).toBeGreaterThan(0);
  });

  it('names the group that does not consume', async () => {
    const container = module.get(RocketMQListenerRegistry).get('stock');
    container.pause();
    await module.get(OrderService).create(1);
    await expect(rocketmq.idle({ timeoutMs: 500 })).rejects.toThrow(/group stock has not consumed 1 of topic order/);
    container.resume();
    await rocketmq.idle();
    expect(received.stock).toEqual([1]);
  });
});

describe('a connection for tests', () => {
  it('takes the place of the one that the application makes itself', async () => {
    @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr: '127.0.0.1:1' })], providers })
    class AppModule {}

    const connection = new RocketMQTestConnection({ logger: new RecordingLogger() });
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(RocketMQConnection)
      .useValue(connection)
      .compile();
    await module.init();
    try {
      await module.get(OrderService).create(1);
      await connection.idle();
      expect(module.get(Received).stock).toEqual([1]);
    } finally {
      await module.close();
    }
  });

  it('can keep the delays of production, which pass when told to', async () => {
    const module = await Test.createTestingModule({
      imports: [
        RocketMQTestingModule.forRoot({
          logger: new RecordingLogger(),
          embedded: { broker: { messageDelayLevel: APACHE_DELAYS } },
        }),
      ],
      providers,
    }).compile();
    await module.init();
    try {
      const rocketmq = module.get(RocketMQTestConnection);
      await module.get(RocketMQTemplate).send('order:created', { id: 1 }, { delayLevel: 18 });
      await expect(rocketmq.idle({ timeoutMs: 300 })).rejects.toThrow(/1 messages wait in delay level 18/);
      rocketmq.advance('2h');
      await rocketmq.idle();
      expect(module.get(Received).stock).toEqual([1]);
    } finally {
      await module.close();
    }
  });

  it('waits for all members of a broadcasting group', async () => {
    @Injectable()
    @RocketMQMessageListener({ topic: 'news', consumerGroup: 'readers', messageModel: 'BROADCASTING' })
    class Reader implements RocketMQListener<Order> {
      constructor(private readonly received: Received) {}

      async onMessage({ id }: Order): Promise<void> {
        await later(100);
        this.received.broadcast.push(id);
      }
    }

    const module = await Test.createTestingModule({
      imports: [RocketMQTestingModule.forRoot({ logger: new RecordingLogger() })],
      providers: [Received, Reader],
    }).compile();
    await module.init();
    try {
      await module.get(RocketMQTemplate).send('news', { id: 1 });
      await module.get(RocketMQTestConnection).idle();
      expect(module.get(Received).broadcast).toEqual([1]);
    } finally {
      await module.close();
    }
  });

  it('lets two applications of one process each have their own broker', async () => {
    const start = async () => {
      const module = await Test.createTestingModule({
        imports: [RocketMQTestingModule.forRoot({ logger: new RecordingLogger() })],
        providers,
      }).compile();
      await module.init();
      return module;
    };
    const [left, right] = await Promise.all([start(), start()]);
    try {
      await left.get(OrderService).create(1);
      await right.get(OrderService).create(2);
      await Promise.all([left, right].map((module) => module.get(RocketMQTestConnection).idle()));
      expect([left, right].map((module) => module.get(Received).stock)).toEqual([[1], [2]]);
    } finally {
      await Promise.all([left.close(), right.close()]);
    }
  });
});
