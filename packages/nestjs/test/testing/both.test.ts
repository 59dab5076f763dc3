import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, type INestApplication, Injectable } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { lastValueFrom } from 'rxjs';
import {
  ClientRocketMQ,
  ConsumeResult,
  NonRetryableError,
  RocketMQConnection,
  RocketMQContext,
  RocketMQMessageListener,
  RocketMQTemplate,
  ServerRocketMQ,
} from '../../src/index.js';
import {
  APACHE_DELAYS,
  RocketMQFakeConnection,
  RocketMQTestConnection,
  RocketMQTestingModule,
} from '../../src/testing/index.js';
import { RecordingLogger } from '../e2e/app.js';

@Injectable()
class Journal {
  readonly lines: string[] = [];
}

@Injectable()
class Handlers {
  constructor(private readonly journal: Journal) {}

  @RocketMQMessageListener({ topic: 'work', consumerGroup: 'workers', maxReconsumeTimes: 2 })
  onWork(outcome: string, context: RocketMQContext): unknown {
    this.journal.lines.push(`${outcome} ${context.getReconsumeTimes()} ${context.getTopic()} ${context.getTag()}`);
    if (outcome === 'throw') throw new Error('no');
    if (outcome === 'final') throw new NonRetryableError('never');
    if (outcome === 'once') return context.getReconsumeTimes() === 0 ? ConsumeResult.retryIn(1) : undefined;
    return outcome;
  }
}

@Controller()
class Transport {
  constructor(private readonly journal: Journal) {}

  @EventPattern('event:yes')
  onEvent(@Payload() text: string): void {
    this.journal.lines.push(`event ${text}`);
  }

  @MessagePattern('double')
  double(@Payload() value: number): number {
    return value * 2;
  }
}

const logger = new RecordingLogger();
const producer = { group: 'tests' };

/** The same scenarios on the fake and on the broker it stands for. */
describe.each([
  {
    name: 'a real broker',
    imports: () => [
      RocketMQTestingModule.forRoot({ logger, producer, embedded: { broker: { messageDelayLevel: APACHE_DELAYS } } }),
    ],
    pass: async (connection: RocketMQConnection, ...steps: string[]) => {
      for (const step of steps) {
        (connection as RocketMQTestConnection).advance(step);
        // What the step set free may be waiting again: only the last step must leave nothing.
        await (connection as RocketMQTestConnection).idle({ timeoutMs: 2_500 }).catch(() => undefined);
      }
      await (connection as RocketMQTestConnection).idle();
    },
    dead: async (connection: RocketMQConnection) =>
      (await (connection as RocketMQTestConnection).deadLetters('workers')).map(({ message }) => message),
  },
  {
    name: 'the fake',
    imports: () => [RocketMQTestingModule.fake({ logger, producer })],
    pass: async (connection: RocketMQConnection, ...steps: string[]) => {
      await (connection as RocketMQFakeConnection).idle();
      for (const step of steps) await (connection as RocketMQFakeConnection).advance(step);
    },
    dead: async (connection: RocketMQConnection) =>
      (connection as RocketMQFakeConnection).deadLetters('workers').map(({ message }) => message),
  },
])('with $name', ({ imports, pass, dead }) => {
  let app: INestApplication;
  let connection: RocketMQConnection;
  let lines: string[];

  beforeEach(async () => {
    const module = await Test.createTestingModule({
      imports: imports(),
      providers: [Journal, Handlers],
      controllers: [Transport],
    }).compile();
    app = module.createNestApplication({ logger: new RecordingLogger() });
    connection = app.get(RocketMQConnection);
    app.connectMicroservice({ strategy: new ServerRocketMQ({ connection, consumerGroup: 'transport' }) });
    await app.startAllMicroservices();
    await app.init();
    lines = app.get(Journal).lines;
  });
  afterEach(() => app.close());

  const send = (text: string) => app.get(RocketMQTemplate).send('work:hard', text);

  it('a result counts as success', async () => {
    await send('fine');
    await pass(connection);
    expect(lines).toEqual(['fine 0 work hard']);
    expect(await dead(connection)).toEqual([]);
  });

  it('a message comes again when its handler asked for it', async () => {
    await send('once');
    await pass(connection, '1s');
    expect(lines).toEqual(['once 0 work hard', 'once 1 work hard']);
    expect(await dead(connection)).toEqual([]);
  });

  it('a message whose handler throws comes again after 10 s and 30 s, and then is dead', async () => {
    await send('throw');
    await pass(connection, '10s', '30s');
    expect(lines).toEqual(['throw 0 work hard', 'throw 1 work hard', 'throw 2 work hard']);
    const letters = await dead(connection);
    expect(letters.map(({ body }) => body.toString())).toEqual(['throw']);
  });

  it('a final failure is dead at once, with its reason', async () => {
    await send('final');
    await pass(connection);
    expect(lines).toEqual(['final 0 work hard']);
    const [letter] = await dead(connection);
    expect(letter?.properties['ROCKETNEST_DLQ_REASON']).toMatch(/never/);
    expect(letter?.properties['DLQ_ORIGIN_TOPIC'] ?? letter?.properties['RETRY_TOPIC']).toBe('work');
  });

  it('transports take part', async () => {
    const client = new ClientRocketMQ({ connection });
    await lastValueFrom(client.emit('event:yes', 'hello'));
    await lastValueFrom(client.emit('event:no', 'unheard'));
    await pass(connection);
    expect(lines).toEqual(['event hello']);
    expect(await lastValueFrom(client.send('double', 21))).toBe(42);
    await client.close();
  });
});
