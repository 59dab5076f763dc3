import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type CallHandler,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { Admin } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import { IsInt, IsNotEmpty, IsString } from 'class-validator';
import { map, type Observable } from 'rxjs';
import {
  ConsumeResult,
  NonRetryableError,
  OnRocketMQEvent,
  Payload,
  type RocketMQEvents,
  type RocketMQListener,
  RocketMQMessageListener,
  type RocketMQModuleOptions,
  RocketMQTemplate,
} from '../../src/index.js';
import { at, startApp, type TestApp } from './app.js';
import { startCluster } from './cluster.js';
import { asked, hostile } from './support/hostile-enhancers.js';

class OrderDto {
  @IsInt()
  id!: number;

  @IsString()
  @IsNotEmpty()
  customer!: string;
}

@Catch()
class AsIfHandled implements ExceptionFilter {
  catch(): string {
    return 'handled';
  }
}

@Catch()
class OnlyLogs implements ExceptionFilter {
  async catch(): Promise<void> {}
}

@Injectable()
class FailsAfterwards implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      map(() => {
        throw new Error('cannot map the result');
      }),
    );
  }
}

interface Ending {
  /** How the message of this case ends. */
  readonly ends: 'dead letter' | 'consumed';
  /** Runs of the handler itself. */
  readonly calls: number;
  /** With what the dead letter, or the event, says why. */
  readonly reason?: RegExp;
  /** The lines of the log about the message, in order, behind "Message … of topic … (group …)". */
  readonly log: readonly RegExp[];
  readonly body?: string;
}

const VALID = '{ "id": 7, "customer": "Ada" }';
const INVALID = '{ "id": "seven",  "customer": "" }';

/** The table of docs/nestjs/listeners.md, as far as one message tells. */
const ENDINGS = {
  'a handler that returns': { ends: 'consumed', calls: 1, log: [] },
  'a DTO that is not valid, of a parameter’s type': {
    ends: 'dead letter',
    calls: 0,
    body: INVALID,
    reason: /^BadRequestException: id must be an integer number, customer should not be empty$/,
    log: [/failed in \S+, attempt 1 of 2: BadRequestException: id must be an integer number.*\. Moved to %DLQ%/],
  },
  'a DTO that is not valid, of payloadType': {
    ends: 'dead letter',
    calls: 0,
    body: INVALID,
    reason: /^BadRequestException: id must be an integer number, customer should not be empty$/,
    log: [/failed in \S+, attempt 1 of 2: BadRequestException: .*Moved to %DLQ%/],
  },
  'a handler that throws': {
    ends: 'dead letter',
    calls: 2,
    reason: /^Error: db down$/,
    log: [
      /failed in \S+, attempt 1 of 2: Error: db down\. It will be delivered again/,
      /failed in \S+, attempt 2 of 2: Error: db down\. Moved to %DLQ%/,
    ],
  },
  'a guard that refuses': {
    ends: 'dead letter',
    calls: 0,
    reason: /^ForbiddenException: Forbidden resource$/,
    log: [/failed in \S+, attempt 1 of 2: ForbiddenException: Forbidden resource\. Moved to %DLQ%/],
  },
  'a body that cannot be decoded': {
    ends: 'dead letter',
    calls: 0,
    body: '{ "id": 7, ',
    reason: /^NonRetryableError: The body of message .* is not JSON/,
    log: [/failed in \S+, attempt 1 of 2: NonRetryableError: .*Moved to %DLQ%/],
  },
  'a NonRetryableError': {
    ends: 'dead letter',
    calls: 1,
    reason: /^NonRetryableError: unknown currency$/,
    log: [/failed in \S+, attempt 1 of 2: NonRetryableError: unknown currency\. Moved to %DLQ%/],
  },
  'ConsumeResult.deadLetter': {
    ends: 'dead letter',
    calls: 1,
    reason: /^customer is gone$/,
    log: [/customer is gone\. Moved to %DLQ%/],
  },
  'ConsumeResult.discard': { ends: 'consumed', calls: 1, reason: /^a test order$/, log: [] },
  'an exception that a filter swallows': {
    ends: 'consumed',
    calls: 1,
    reason: /^Error: db down$/,
    log: [/failed in \S+, attempt 1 of 2: Error: db down\. An exception filter has dealt with it/],
  },
  'a filter that returns nothing': {
    ends: 'dead letter',
    calls: 2,
    reason: /^Error: db down$/,
    log: [
      /attempt 1 of 2: Error: db down\. It will be delivered again/,
      /attempt 2 of 2: Error: db down\. Moved to %DLQ%/,
    ],
  },
  'an interceptor that throws': {
    ends: 'dead letter',
    calls: 2,
    reason: /^Error: cannot map the result$/,
    log: [
      /attempt 1 of 2: Error: cannot map the result\. It will be delivered again/,
      /attempt 2 of 2: Error: cannot map the result\. Moved to %DLQ%/,
    ],
  },
} as const satisfies Readonly<Record<string, Ending>>;

type Case = keyof typeof ENDINGS;
const CASES = Object.keys(ENDINGS) as Case[];

/** A topic and a group for each case, and what happened there. */
function scenario(consumeMode: 'CONCURRENTLY' | 'ORDERLY') {
  const names = new Map(CASES.map((name) => [name, { topic: unique('t'), group: unique('g') }]));
  const of = (name: Case) => names.get(name)!;
  const calls: string[] = [];
  const events: string[] = [];
  const listen = (name: Case) =>
    ({ topic: of(name).topic, consumerGroup: of(name).group, consumeMode, maxReconsumeTimes: 1 }) as const;

  @Injectable()
  class Handlers {
    @RocketMQMessageListener(listen('a handler that returns'))
    returns(_: OrderDto): void {
      calls.push('a handler that returns');
    }

    @RocketMQMessageListener(listen('a DTO that is not valid, of a parameter’s type'))
    valid(@Payload(new ValidationPipe()) _: OrderDto): void {
      calls.push('a DTO that is not valid, of a parameter’s type');
    }

    @RocketMQMessageListener(listen('a handler that throws'))
    throws(_: OrderDto): never {
      calls.push('a handler that throws');
      throw new Error('db down');
    }

    @UseGuards({ canActivate: () => false })
    @RocketMQMessageListener(listen('a guard that refuses'))
    guarded(_: OrderDto): void {
      calls.push('a guard that refuses');
    }

    @RocketMQMessageListener(listen('a body that cannot be decoded'))
    decoded(_: OrderDto): void {
      calls.push('a body that cannot be decoded');
    }

    @RocketMQMessageListener(listen('a NonRetryableError'))
    never(_: OrderDto): never {
      calls.push('a NonRetryableError');
      throw new NonRetryableError('unknown currency');
    }

    @RocketMQMessageListener(listen('ConsumeResult.deadLetter'))
    givesUp(_: OrderDto): ConsumeResult {
      calls.push('ConsumeResult.deadLetter');
      return ConsumeResult.deadLetter('customer is gone');
    }

    @RocketMQMessageListener(listen('ConsumeResult.discard'))
    discards(_: OrderDto): ConsumeResult {
      calls.push('ConsumeResult.discard');
      return ConsumeResult.discard('a test order');
    }

    @UseFilters(AsIfHandled)
    @RocketMQMessageListener(listen('an exception that a filter swallows'))
    swallowed(_: OrderDto): never {
      calls.push('an exception that a filter swallows');
      throw new Error('db down');
    }

    @UseFilters(OnlyLogs)
    @RocketMQMessageListener(listen('a filter that returns nothing'))
    notSwallowed(_: OrderDto): never {
      calls.push('a filter that returns nothing');
      throw new Error('db down');
    }

    @UseInterceptors(FailsAfterwards)
    @RocketMQMessageListener(listen('an interceptor that throws'))
    mapped(_: OrderDto): void {
      calls.push('an interceptor that throws');
    }

    @OnRocketMQEvent('discard')
    discarded({ group, reason }: RocketMQEvents['discard']): void {
      events.push(`${group} ${reason}`);
    }
  }

  @Injectable()
  @UsePipes(new ValidationPipe())
  @RocketMQMessageListener({ ...listen('a DTO that is not valid, of payloadType'), payloadType: OrderDto })
  class Class implements RocketMQListener<OrderDto> {
    onMessage(_: OrderDto): void {
      calls.push('a DTO that is not valid, of payloadType');
    }
  }

  return { of, calls, events, providers: [Handlers, Class] };
}

let cluster: Awaited<ReturnType<typeof startCluster>>;
let admin: Admin;
beforeAll(async () => {
  cluster = await startCluster();
  admin = new Admin({ namesrvAddr: cluster.namesrvAddr });
  await admin.start();
});
afterAll(async () => {
  await admin.close();
  await cluster.close();
});

const deadLettersOf = async (group: string) => (await admin.deadLetters.list(group, { limit: 10 })).items;

/** JSON as it was written, so that a body which is parsed and written again would differ. */
const sendJson = (app: TestApp, topic: string, body: string) =>
  app.get(RocketMQTemplate).send(topic, Buffer.from(body), { headers: { contentType: 'application/json' } });

/** Longer than any delivery of a message that came before takes: one that fails is delivered again twice. */
async function letRetriesPass(options: RocketMQModuleOptions): Promise<void> {
  const topic = unique('t');
  let attempts = 0;

  @Injectable()
  class Canary {
    @RocketMQMessageListener({ topic, consumerGroup: unique('g') })
    on(_: string): ConsumeResult | undefined {
      return ++attempts < 3 ? ConsumeResult.retryIn(1) : undefined;
    }
  }
  await using app = await startApp(options, { providers: [Canary] });
  await app.get(RocketMQTemplate).send(topic, 'a');
  await waitFor(() => attempts === 3, { what: 'the third delivery' });
}

describe.each(['CONCURRENTLY', 'ORDERLY'] as const)('%s, beside global enhancers for HTTP', (consumeMode) => {
  const { of, calls, events, providers } = scenario(consumeMode);
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(at(cluster), { providers: [...providers, ...hostile] });
  });
  afterAll(() => app.close());

  it.each(CASES)('%s', async (name) => {
    const { topic, group } = of(name);
    const { ends, calls: expected, reason, log, body = VALID }: Ending = ENDINGS[name];
    const { msgId } = await sendJson(app, topic, body);
    const linesOf = () => app.log.lines.filter((line) => line.includes(msgId));
    const runs = () => calls.filter((call) => call === name).length;
    const eventsOf = () => events.filter((event) => event.startsWith(group));
    await waitFor(
      async () =>
        runs() >= expected &&
        linesOf().length >= log.length &&
        (ends === 'dead letter' || reason === undefined || eventsOf().length > 0) &&
        (ends === 'consumed' || (await deadLettersOf(group)).length > 0),
      { what: 'the end' },
    );
    expect(linesOf()).toEqual(log.map((line) => expect.stringMatching(line)));
    for (const line of linesOf()) expect(line).toContain(`Message ${msgId} of topic ${topic} (group ${group})`);
    if (ends === 'dead letter') {
      const [letter] = await deadLettersOf(group);
      expect(letter).toMatchObject({ originMsgId: msgId, originTopic: topic, reason: expect.stringMatching(reason!) });
      expect(letter!.message.body.toString()).toBe(body);
    } else if (reason !== undefined) {
      expect(eventsOf()).toEqual([expect.stringMatching(new RegExp(`^${group} ${reason.source.slice(1)}`))]);
    }
  });

  it('and nothing comes a second time, nothing is twice a dead letter, and no enhancer for HTTP was asked', async () => {
    await letRetriesPass(at(cluster));
    for (const name of CASES) {
      const { ends, calls: expected } = ENDINGS[name];
      expect([name, calls.filter((call) => call === name).length]).toEqual([name, expected]);
      expect([name, (await deadLettersOf(of(name).group)).length]).toEqual([name, ends === 'dead letter' ? 1 : 0]);
    }
    expect(asked).toEqual([]);
    expect(app.nestLog.find('error', /./)).toEqual([]);
  });
});

describe('global enhancers that were asked for', () => {
  /** One message, in an application where one kind of the hostile enhancers runs for messages. */
  const withGlobal = async (kind: NonNullable<RocketMQModuleOptions['globalEnhancers']>) => {
    const [topic, group] = [unique('t'), unique('g')];
    const discarded: string[] = [];

    @Injectable()
    class Listener {
      @RocketMQMessageListener({ topic, consumerGroup: group, maxReconsumeTimes: 0 })
      on(_: OrderDto): never {
        throw new Error('db down');
      }

      @OnRocketMQEvent('discard')
      discarded({ reason }: RocketMQEvents['discard']): void {
        discarded.push(reason);
      }
    }
    const app = await startApp(at(cluster, { globalEnhancers: kind }), { providers: [Listener, ...hostile] });
    await sendJson(app, topic, VALID);
    return { app, group, discarded };
  };

  it.each([
    ['guards', /^ForbiddenException/],
    ['pipes', /^Error: not an HTTP body/],
  ] as const)('%s that refuse a message make it a dead letter with the reason', async (kind, reason) => {
    const { app, group } = await withGlobal([kind]);
    await using _ = app;
    await waitFor(async () => (await deadLettersOf(group)).length === 1, { what: 'the dead letter' });
    expect((await deadLettersOf(group))[0]!.reason).toMatch(reason);
    expect(app.log.find('error', /Moved to %DLQ%/)).toHaveLength(1);
  });

  it('filters that swallow a failure leave a warning and an event', async () => {
    const { app, group, discarded } = await withGlobal(['filters']);
    await using _ = app;
    await waitFor(() => discarded.length === 1, { what: 'the event' });
    expect(discarded).toEqual(['Error: db down']);
    expect(app.log.find('warn', /attempt 1 of 1: Error: db down\. An exception filter has dealt with it/)).toHaveLength(
      1,
    );
    expect(await deadLettersOf(group)).toEqual([]);
  });
});
