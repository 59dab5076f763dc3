import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  BadRequestException,
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  Injectable,
  Module,
  type PipeTransform,
  UseGuards,
} from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  ConsumeResult,
  Ctx,
  Payload,
  RocketMQConnection,
  RocketMQContext,
  RocketMQDlqListener,
  type RocketMQListener,
  RocketMQListenerRegistry,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQReplyListener,
  RocketMQTemplate,
  RocketMQTransactionChecker,
  type TransactionState,
} from '../../src/index.js';
import { RocketMQFakeConnection, RocketMQTestingModule } from '../../src/testing/index.js';
import { RecordingLogger } from '../e2e/app.js';

interface Order {
  id: number;
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** What handlers did, in order. */
@Injectable()
class Journal {
  readonly lines: string[] = [];
  /** How often handlers that may fail still do. */
  failures = 0;
  state: TransactionState = 'COMMIT';

  fail(): void {
    if (this.failures-- > 0) throw new Error('not now');
  }
}

class NumberId implements PipeTransform {
  transform(order: Order): Order {
    if (typeof order.id !== 'number') throw new BadRequestException(['id must be a number']);
    return order;
  }
}

class NotForbidden implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const message = context.switchToRpc().getContext<RocketMQContext>();
    if (message.getHeader('who') === 'nobody') throw new ForbiddenException('nobody may not');
    return true;
  }
}

@Injectable()
class Handlers {
  constructor(
    private readonly journal: Journal,
    private readonly rocketmq: RocketMQTemplate,
  ) {}

  @UseGuards(NotForbidden)
  @RocketMQMessageListener({ topic: 'order', selectorExpression: 'created || paid', consumerGroup: 'stock' })
  async onOrder(@Payload(NumberId) order: Order, @Ctx() context: RocketMQContext): Promise<void> {
    await turn();
    this.journal.lines.push(`stock ${order.id} attempt ${context.getReconsumeTimes() + 1}`);
    this.journal.fail();
    await this.rocketmq.send(
      'shipment:requested',
      { order: order.id },
      { keys: `s${order.id}`, headers: { via: 'stock' } },
    );
  }

  @RocketMQMessageListener({ topic: 'shipment', consumerGroup: 'ship', maxReconsumeTimes: 1 })
  onShipment(shipment: { order: number }): void {
    this.journal.lines.push(`ship ${shipment.order}`);
  }

  @RocketMQMessageListener({ topic: 'poison', consumerGroup: 'doomed' })
  onPoison(): ConsumeResult {
    return ConsumeResult.deadLetter('poison');
  }

  @RocketMQDlqListener('doomed')
  onDead(order: Order, context: RocketMQContext): void {
    this.journal.lines.push(`dead ${order.id}: ${context.getDeadLetter()?.reason}`);
  }

  @RocketMQMessageListener({ topic: 'step', consumerGroup: 'in-order', consumeMode: 'ORDERLY' })
  async onStep(step: number): Promise<void> {
    await turn();
    this.journal.fail();
    this.journal.lines.push(`step ${step}`);
  }

  @RocketMQReplyListener({ topic: 'price', consumerGroup: 'pricing' })
  price({ id }: Order): { price: number } {
    if (id < 0) throw new BadRequestException('no such order');
    return { price: id * 10 };
  }

  @RocketMQMessageListener({ topic: 'many', consumerGroup: 'batches', batch: { size: 3 } })
  onMany(orders: Order[]): void {
    this.journal.lines.push(`batch of ${orders.length}`);
  }

  @RocketMQTransactionChecker({ topic: 'order' })
  check({ id }: Order): TransactionState {
    this.journal.lines.push(`check ${id}`);
    return this.journal.state;
  }
}

describe('the fake', () => {
  let module: TestingModule;
  let fake: RocketMQFakeConnection;
  let rocketmq: RocketMQTemplate;
  let journal: Journal;
  let log: RecordingLogger;

  beforeEach(async () => {
    log = new RecordingLogger();
    module = await Test.createTestingModule({
      imports: [RocketMQTestingModule.fake({ logger: log, producer: { group: 'shop' } })],
      providers: [Journal, Handlers],
    }).compile();
    await module.init();
    fake = module.get(RocketMQFakeConnection);
    rocketmq = module.get(RocketMQTemplate);
    journal = module.get(Journal);
  });
  afterEach(() => module.close());

  it('delivers a message to the handler and says what became of it', async () => {
    const [delivery, ...others] = await fake.deliver('order:created', { id: 7 });
    expect(delivery).toMatchObject({ group: 'stock', attempt: 1, outcome: 'consumed' });
    expect(others).toEqual([]);
    expect(journal.lines[0]).toBe('stock 7 attempt 1');
  });

  it('keeps what the application sent, and has its own listeners consume it', async () => {
    await fake.deliver('order:created', { id: 7 });
    await fake.idle();
    const [sent, ...more] = fake.sent();
    expect(more).toEqual([]);
    expect(sent).toMatchObject({
      topic: 'shipment',
      tag: 'requested',
      keys: ['s7'],
      headers: { via: 'stock', contentType: 'application/json' },
      payload: { order: 7 },
    });
    expect(journal.lines).toEqual(['stock 7 attempt 1', 'ship 7']);
    expect(fake.sent('order')).toEqual([]);
    fake.clearSent();
    expect(fake.sent()).toEqual([]);
  });

  it('runs pipes and guards: what they refuse is dead at once, with the reason', async () => {
    const [invalid] = await fake.deliver('order:created', { id: 'x' });
    expect(invalid).toMatchObject({
      outcome: 'dead-letter',
      attempt: 1,
      reason: expect.stringMatching(/id must be a number/),
    });
    const [refused] = await fake.deliver('order:created', { id: 1 }, { headers: { who: 'nobody' } });
    expect(refused).toMatchObject({ outcome: 'dead-letter', reason: expect.stringMatching(/nobody may not/) });
    const [broken] = await fake.deliver('order:created', Buffer.from('{"id":'), {
      headers: { contentType: 'application/json' },
    });
    expect(broken).toMatchObject({ outcome: 'dead-letter', reason: expect.stringMatching(/is not JSON/) });
    expect(journal.lines).toEqual([]);
    expect(fake.deadLetters('stock').map(({ topic }) => topic)).toEqual(['%DLQ%stock', '%DLQ%stock', '%DLQ%stock']);
    expect(log.find('error', /id must be a number/)).toHaveLength(1);
  });

  it('refuses to deliver what nobody subscribes to', async () => {
    await expect(fake.deliver('order:lost', { id: 1 })).rejects.toThrow(/Nobody subscribes to topic order, tag lost/);
    await expect(fake.deliver('nothing', { id: 1 })).rejects.toThrow(/stock \(order:created \|\| paid\)/);
  });

  it('retries when the time has come, not before', async () => {
    journal.failures = 2;
    const [first] = await fake.deliver('order:created', { id: 1 });
    expect(first?.outcome).toBe('retry');
    await fake.advance('9s');
    expect(journal.lines).toEqual(['stock 1 attempt 1']);
    await fake.advance('1s');
    expect(journal.lines).toEqual(['stock 1 attempt 1', 'stock 1 attempt 2']);
    await fake.advance('30s');
    expect(journal.lines).toEqual(['stock 1 attempt 1', 'stock 1 attempt 2', 'stock 1 attempt 3', 'ship 1']);
    await fake.advance('1d');
    expect(journal.lines).toHaveLength(4);
    expect(fake.deadLetters('stock')).toEqual([]);
  });

  it('gives up after Apache’s sixteen retries, whose delays take under five hours', async () => {
    journal.failures = 100;
    await fake.deliver('order:created', { id: 1 });
    await fake.advance('4h');
    expect(fake.deadLetters('stock')).toEqual([]);
    await fake.advance('1h');
    expect(fake.deadLetters('stock')).toHaveLength(1);
    expect(journal.lines).toHaveLength(17);
  });

  it('hands dead letters to their listeners', async () => {
    await fake.deliver('poison', { id: 5 });
    await fake.idle();
    expect(journal.lines).toEqual(['dead 5: poison']);
  });

  it('keeps the order of a queue over failures', async () => {
    journal.failures = 1;
    for (const step of [1, 2, 3]) await rocketmq.send('step', String(step), { shardingKey: 'a' });
    await fake.idle();
    expect(journal.lines).toEqual([]);
    await fake.advance('1s');
    expect(journal.lines).toEqual(['step 1', 'step 2', 'step 3']);
  });

  it('gives batch listeners what is there, up to their size', async () => {
    await rocketmq.sendBatch(
      'many',
      [1, 2, 3, 4].map((id) => ({ id })),
    );
    await fake.idle();
    // Two handlers at once: which ends first is open.
    expect(journal.lines.sort()).toEqual(['batch of 1', 'batch of 3']);
  });

  it.each([
    ['a delay', { delay: '15m' }, '15m'],
    ['a delay level', { delayLevel: 14 }, '10m'],
  ])('delivers after %s', async (_, options, by) => {
    await rocketmq.send('order:created', { id: 1 }, options);
    await fake.idle();
    await fake.advance('599s');
    expect(journal.lines).toEqual([]);
    await fake.advance(by);
    expect(journal.lines).toEqual(['stock 1 attempt 1', 'ship 1']);
  });

  it('takes back what is not due yet', async () => {
    const { recallHandle } = await rocketmq.send('order:created', { id: 1 }, { delay: '1m' });
    await rocketmq.getProducer().recall('order', recallHandle!);
    await fake.advance('2m');
    expect(journal.lines).toEqual([]);
    await expect(rocketmq.getProducer().recall('order', recallHandle!)).rejects.toThrow(/does not wait any more/);
  });

  it('commits, rolls back, and asks about transactions that are undecided', async () => {
    await rocketmq.sendInTransaction('order:created', { id: 1 }, () => 'COMMIT');
    const rolledBack = rocketmq.sendInTransaction('order:created', { id: 2 }, async () => {
      throw new Error('no stock');
    });
    await expect(rolledBack).rejects.toThrow('no stock');
    await fake.idle();
    expect(journal.lines).toEqual(['stock 1 attempt 1', 'ship 1']);

    journal.lines.length = 0;
    journal.state = 'UNKNOWN';
    await rocketmq.sendInTransaction('order:created', { id: 3 }, () => 'UNKNOWN');
    await fake.advance('6s');
    expect(journal.lines).toEqual(['check 3']);
    journal.state = 'COMMIT';
    await fake.advance('30s');
    expect(journal.lines).toEqual(['check 3', 'check 3', 'stock 3 attempt 1', 'ship 3']);
    expect(fake.sent('order').map(({ payload }) => payload)).toEqual([{ id: 1 }, { id: 3 }]);
  });

  it('answers requests, with values and with errors', async () => {
    expect(await rocketmq.request('price', { id: 4 })).toEqual({ price: 40 });
    await expect(rocketmq.request('price', { id: -1 })).rejects.toMatchObject({ remoteMessage: 'no such order' });
    await expect(rocketmq.request('nobody', { id: 1 }, { timeoutMs: 20 })).rejects.toThrow(
      /No reply to a request to topic nobody within 20 ms/,
    );
  });

  it('keeps messages for a listener that is paused or stopped', async () => {
    const container = module.get(RocketMQListenerRegistry).get('ship');
    container.pause();
    await rocketmq.send('shipment', { order: 1 });
    await fake.idle();
    expect(journal.lines).toEqual([]);
    container.resume();
    await fake.idle();
    expect(journal.lines).toEqual(['ship 1']);
    await container.stop();
    await rocketmq.send('shipment', { order: 2 });
    await fake.idle();
    await container.start();
    await fake.idle();
    expect(journal.lines).toEqual(['ship 1', 'ship 2']);
  });

  it('refuses what the broker would refuse', async () => {
    await expect(rocketmq.send('bad topic!', { id: 1 })).rejects.toThrow(/topic/);
    await expect(rocketmq.send('order', '')).rejects.toThrow(/body/);
    await module.close();
    await expect(rocketmq.send('order', { id: 1 })).rejects.toThrow(/closed/);
  });
});

describe('a fake connection', () => {
  it('takes the place of the one that the application makes itself, and leaves others alone', async () => {
    @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr: '127.0.0.1:1' })], providers: [Journal, Handlers] })
    class AppModule {}

    const start = async () => {
      const fake = new RocketMQFakeConnection({ logger: new RecordingLogger() });
      const module = await Test.createTestingModule({ imports: [AppModule] })
        .overrideProvider(RocketMQConnection)
        .useValue(fake)
        .compile();
      await module.init();
      return { fake, module };
    };
    const [left, right] = await Promise.all([start(), start()]);
    await left.fake.deliver('order:paid', { id: 1 });
    await Promise.all([left.fake.idle(), right.fake.idle()]);
    expect(left.module.get(Journal).lines).toEqual(['stock 1 attempt 1', 'ship 1']);
    expect(right.module.get(Journal).lines).toEqual([]);
    await Promise.all([left.module.close(), right.module.close()]);
  });

  it('filters by SQL92 as the broker does, and refuses the expressions that it refuses', async () => {
    const withSql = (selectorExpression: string) => {
      const got: number[] = [];

      @Injectable()
      @RocketMQMessageListener({ topic: 'order', consumerGroup: 'sql', selectorType: 'SQL92', selectorExpression })
      class SqlListener implements RocketMQListener<Order> {
        onMessage({ id }: Order): void {
          got.push(id);
        }
      }
      const building = Test.createTestingModule({
        imports: [RocketMQTestingModule.fake({ logger: new RecordingLogger() })],
        providers: [SqlListener],
      }).compile();
      return { got, building };
    };
    const { got, building } = withSql("amount > 100 AND (TAGS = 'paid' OR region IN ('eu', 'us'))");
    const module = await building;
    await module.init();
    const fake = module.get(RocketMQFakeConnection);
    await fake.deliver('order:paid', { id: 1 }, { headers: { amount: 200 } });
    await expect(fake.deliver('order:paid', { id: 2 }, { headers: { amount: 100 } })).rejects.toThrow(
      /Nobody subscribes to topic order.*sql \(order\[amount > 100/,
    );
    await fake.deliver('order:created', { id: 3 }, { headers: { amount: 200, region: 'eu' } });
    await expect(fake.deliver('order:created', { id: 4 }, { headers: { amount: 200 } })).rejects.toThrow(/Nobody/);
    expect(got).toEqual([1, 3]);
    await module.close();

    const broken = await withSql('amount >').building;
    await expect(broken.init()).rejects.toThrow(/invalid SQL92 expression "amount >"/);
  });

  it('lets a test replace the template alone', async () => {
    const sent: unknown[] = [];
    const module = await Test.createTestingModule({
      imports: [RocketMQTestingModule.fake({ logger: new RecordingLogger() })],
      providers: [Journal, Handlers],
    })
      .overrideProvider(RocketMQTemplate)
      .useValue({ send: async (...args: unknown[]) => void sent.push(args) })
      .compile();
    await module.init();
    await module.get(RocketMQFakeConnection).deliver('order:created', { id: 1 });
    expect(sent).toEqual([['shipment:requested', { order: 1 }, { keys: 's1', headers: { via: 'stock' } }]]);
    await module.close();
  });
});
