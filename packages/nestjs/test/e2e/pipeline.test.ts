import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  BadRequestException,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  createParamDecorator,
  type ExceptionFilter,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { APP_GUARD, REQUEST } from '@nestjs/core';
import { Payload as NestPayload } from '@nestjs/microservices';
import { unique, waitFor } from '@rocketnest/testing';
import { map, type Observable } from 'rxjs';
import {
  type EnhancerKind,
  isRocketMQContext,
  NonRetryableError,
  Payload,
  RocketMQContext,
  type RocketMQListener,
  RocketMQMessageListener,
  RocketMQTemplate,
} from '../../src/index.js';
import { at, startApp, type TestApp } from './app.js';
import { startCluster } from './cluster.js';

let cluster: Awaited<ReturnType<typeof startCluster>>;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

let steps: string[];
beforeEach(() => {
  steps = [];
});

@Injectable()
class Guard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    steps.push(
      `guard ${context.getType<string>()} ${context.getClass().name}.${context.getHandler().name} ${isRocketMQContext(context)}`,
    );
    return true;
  }
}

@Injectable()
class Interceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    steps.push('interceptor before');
    return next.handle().pipe(
      map((result) => {
        steps.push(`interceptor after ${String(result)}`);
        return result;
      }),
    );
  }
}

@Injectable()
class Double implements PipeTransform {
  transform(value: unknown, { type, metatype }: { type: string; metatype?: { name: string } }): unknown {
    steps.push(`pipe ${type} ${metatype?.name}`);
    return type === 'body' && typeof value === 'number' ? value * 2 : value;
  }
}

@Catch()
class Filter implements ExceptionFilter {
  catch(error: Error, host: ArgumentsHost): string {
    steps.push(`filter ${host.getType<string>()} ${error.message}`);
    return 'handled';
  }
}

const Sender = createParamDecorator((_: unknown, context: ExecutionContext) =>
  (context.getArgByIndex(1) as RocketMQContext).getHeader('sender'),
);

/** Resolves with the log line that says so when a message was given up. */
const deadLetter = (app: TestApp): Promise<string> =>
  waitFor(() => app.log.find('error', /Moved to %DLQ%/)[0] ?? false, { what: 'the dead letter' }) as Promise<string>;

describe('a handler runs through Nest’s pipeline', () => {
  it('guard, interceptor, pipe, handler, interceptor, with the rocketmq context type', async () => {
    const topic = unique('t');

    @Injectable()
    @UseGuards(Guard)
    class Listener {
      @UseInterceptors(Interceptor)
      @RocketMQMessageListener({ topic, consumerGroup: unique('g') })
      on(@Payload(Double) value: number, @Sender() sender: string): string {
        steps.push(`handler ${value} ${sender}`);
        return 'result';
      }
    }

    await using app = await startApp(at(cluster), { providers: [Listener] });
    await app.get(RocketMQTemplate).send(topic, 21, { headers: { sender: 'me' } });
    await waitFor(() => steps.length >= 5, { what: 'all steps' });
    expect(steps).toEqual([
      'guard rocketmq Listener.on true',
      'interceptor before',
      'pipe body Number',
      'handler 42 me',
      'interceptor after result',
    ]);
  });

  it('pipes run for undecorated parameters too, with their types', async () => {
    const topic = unique('t');

    class Dto {}

    @Injectable()
    class Listener {
      @UsePipes(Double)
      @RocketMQMessageListener({ topic, consumerGroup: unique('g') })
      on(dto: Dto, context: RocketMQContext): void {
        steps.push(`handler ${JSON.stringify(dto)} ${context instanceof RocketMQContext}`);
      }
    }

    @Injectable()
    @UsePipes(Double)
    @RocketMQMessageListener({ topic, consumerGroup: unique('g'), payloadType: Dto })
    class ClassListener implements RocketMQListener<Dto> {
      onMessage(dto: Dto): void {
        steps.push(`class ${JSON.stringify(dto)}`);
      }
    }

    await using app = await startApp(at(cluster), { providers: [Listener, ClassListener] });
    await app.get(RocketMQTemplate).send(topic, { a: 1 });
    await waitFor(() => steps.length >= 6, { what: 'all steps' });
    expect(steps.filter((step) => step.startsWith('pipe body'))).toEqual(['pipe body Dto', 'pipe body Dto']);
    expect(steps).toContain('handler {"a":1} true');
    expect(steps).toContain('class {"a":1}');
  });

  it('a filter that returns something has handled the failure: the message is consumed', async () => {
    const topic = unique('t');

    @Injectable()
    class Listener {
      @UseFilters(Filter)
      @RocketMQMessageListener({ topic, consumerGroup: unique('g') })
      on(text: string): void {
        steps.push(`handler ${text}`);
        throw new Error('boom');
      }
    }

    await using app = await startApp(at(cluster), { providers: [Listener] });
    await app.get(RocketMQTemplate).send(topic, 'a');
    await waitFor(() => steps.length === 2, { what: 'the filter' });
    expect(steps).toEqual(['handler a', 'filter rocketmq boom']);
    expect(app.log.find('error', /./)).toEqual([]);
  });

  it('Nest’s own @Payload works as well', async () => {
    const topic = unique('t');

    @Injectable()
    class Listener {
      @RocketMQMessageListener({ topic, consumerGroup: unique('g') })
      on(_context: unknown, @NestPayload('name') name: string): void {
        steps.push(name);
      }
    }

    await using app = await startApp(at(cluster), { providers: [Listener] });
    await app.get(RocketMQTemplate).send(topic, { name: 'Ada' });
    await waitFor(() => steps.length > 0, { what: 'the message' });
    expect(steps).toEqual(['Ada']);
  });
});

describe('global enhancers', () => {
  const run = async (globalEnhancers?: boolean | readonly EnhancerKind[]): Promise<string[]> => {
    const topic = unique('t');

    @Injectable()
    class Listener {
      @RocketMQMessageListener({ topic, consumerGroup: unique('g') })
      on(text: string): void {
        steps.push(`handler ${text}`);
      }
    }

    const options = at(cluster, globalEnhancers === undefined ? {} : { globalEnhancers });
    const providers = [Listener, { provide: APP_GUARD, useClass: Guard }];
    await using app = await startApp(options, { providers }, (nest) => nest.useGlobalPipes(new Double()));
    await app.get(RocketMQTemplate).send(topic, 'x');
    await waitFor(() => steps.some((step) => step.startsWith('handler')), { what: 'the message' });
    return steps;
  };

  it('do not run by default: they are written for HTTP', async () => {
    expect(await run()).toEqual(['handler x']);
  });

  it('all run when asked to', async () => {
    expect(await run(true)).toEqual([
      'guard rocketmq Listener.on true',
      expect.stringMatching(/^pipe/),
      expect.stringMatching(/^pipe/),
      'handler x',
    ]);
  });

  it('only the kinds that were chosen run', async () => {
    expect(await run(['guards'])).toEqual(['guard rocketmq Listener.on true', 'handler x']);
  });
});

describe('a message that can never succeed goes to the dead letter topic at once', () => {
  const expectDeadLetter = async (
    Listener: new () => object,
    payload: unknown,
    topic: string,
    group: string,
    reason: RegExp,
    headers = {},
  ) => {
    const dead: string[] = [];

    @Injectable()
    @RocketMQMessageListener({
      topic: `%DLQ%${group}`,
      consumerGroup: unique('dlq'),
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      payloadType: Buffer,
    })
    class DeadLetters implements RocketMQListener {
      onMessage(body: Buffer): void {
        dead.push(body.toString());
      }
    }

    await using app = await startApp(at(cluster), { providers: [Listener, DeadLetters] });
    await app.get(RocketMQTemplate).send(topic, payload, { headers });
    expect(await deadLetter(app)).toMatch(reason);
    await waitFor(() => dead.length > 0, { what: 'the message in the dead letter topic' });
    expect(dead).toEqual([typeof payload === 'string' ? payload : JSON.stringify(payload)]);
    expect(steps.filter((step) => step.startsWith('handler')).length).toBeLessThanOrEqual(1);
  };

  it('when a pipe refuses it', async () => {
    const [topic, group] = [unique('t'), unique('g')];

    @Injectable()
    class Listener {
      @RocketMQMessageListener({ topic, consumerGroup: group })
      on(
        @Payload({
          transform: () => {
            throw new BadRequestException('name is missing');
          },
        })
        _: unknown,
      ): void {
        steps.push('handler');
      }
    }
    await expectDeadLetter(
      Listener,
      { a: 1 },
      topic,
      group,
      /failed in Listener\.on, attempt 1 of 17: BadRequestException: name is missing\. Moved to %DLQ%/,
    );
    expect(steps).toEqual([]);
  });

  it('when its body is not JSON though it says so', async () => {
    const [topic, group] = [unique('t'), unique('g')];

    @Injectable()
    class Listener {
      @RocketMQMessageListener({ topic, consumerGroup: group })
      on(_: unknown): void {
        steps.push('handler');
      }
    }
    await expectDeadLetter(Listener, '{"a":', topic, group, /NonRetryableError: The body of message .* is not JSON/, {
      contentType: 'application/json',
    });
    expect(steps).toEqual([]);
  });

  it('when the handler throws NonRetryableError', async () => {
    const [topic, group] = [unique('t'), unique('g')];

    @Injectable()
    class Listener {
      @RocketMQMessageListener({ topic, consumerGroup: group })
      on(_: unknown): void {
        steps.push('handler');
        throw new NonRetryableError('unknown currency');
      }
    }
    await expectDeadLetter(Listener, { a: 1 }, topic, group, /NonRetryableError: unknown currency/);
    expect(steps).toEqual(['handler']);
  });

  it('when a guard refuses it', async () => {
    const [topic, group] = [unique('t'), unique('g')];

    @Injectable()
    class Listener {
      @UseGuards({ canActivate: () => false })
      @RocketMQMessageListener({ topic, consumerGroup: group })
      on(_: unknown): void {
        steps.push('handler');
      }
    }
    await expectDeadLetter(Listener, { a: 1 }, topic, group, /ForbiddenException: Forbidden resource/);
    expect(steps).toEqual([]);
  });
});

describe('request scope', () => {
  it('gives every message its own providers, also those of a guard, and REQUEST is the context', async () => {
    const topic = unique('t');
    let created = 0;

    @Injectable({ scope: Scope.REQUEST })
    class PerMessage {
      readonly number = ++created;

      constructor(@Inject(REQUEST) readonly context: RocketMQContext) {}
    }

    @Injectable()
    class ScopedGuard implements CanActivate {
      constructor(@Inject(PerMessage) private readonly scoped: PerMessage) {}

      canActivate(): boolean {
        steps.push(`guard ${this.scoped.number}`);
        return true;
      }
    }

    @Injectable()
    class Listener {
      constructor(@Inject(PerMessage) private readonly scoped: PerMessage) {}

      @UseGuards(ScopedGuard)
      @RocketMQMessageListener({ topic, consumerGroup: unique('g'), concurrency: 1 })
      on(text: string, context: RocketMQContext): void {
        steps.push(`${text} ${this.scoped.number} ${this.scoped.context === context}`);
      }
    }

    await using app = await startApp(at(cluster), { providers: [PerMessage, Listener] });
    await app.get(RocketMQTemplate).send(topic, 'a');
    await waitFor(() => steps.length === 2, { what: 'the first message' });
    await app.get(RocketMQTemplate).send(topic, 'b');
    await waitFor(() => steps.length === 4, { what: 'the second message' });
    expect(steps).toEqual(['guard 1', 'a 1 true', 'guard 2', 'b 2 true']);
  });

  it.each([Scope.DEFAULT, Scope.REQUEST])(
    'runs enhancers given as classes on a controller too (scope %p)',
    async (scope) => {
      const topic = unique('t');

      @Controller({ scope })
      class Handlers {
        @UseGuards(Guard)
        @UseInterceptors(Interceptor)
        @RocketMQMessageListener({ topic, consumerGroup: unique('g') })
        on(@Payload(Double) value: number): string {
          steps.push(`handler ${value}`);
          return 'result';
        }
      }

      await using app = await startApp(at(cluster), { controllers: [Handlers] });
      await app.get(RocketMQTemplate).send(topic, 21);
      await waitFor(() => steps.length >= 5, { what: 'all steps' });
      expect(steps).toEqual([
        'guard rocketmq Handlers.on true',
        'interceptor before',
        'pipe body Number',
        'handler 42',
        'interceptor after result',
      ]);
    },
  );

  it('works for controllers and request-scoped global guards', async () => {
    const topic = unique('t');

    @Injectable({ scope: Scope.REQUEST })
    class GlobalGuard extends Guard {}

    @Controller({ scope: Scope.REQUEST })
    class Handlers {
      constructor(@Inject(REQUEST) private readonly context: RocketMQContext) {}

      @RocketMQMessageListener({ topic, consumerGroup: unique('g') })
      on(text: string): void {
        steps.push(`${text} ${this.context.getTopic() === topic}`);
      }
    }

    await using app = await startApp(at(cluster, { globalEnhancers: true }), {
      controllers: [Handlers],
      providers: [{ provide: APP_GUARD, useClass: GlobalGuard }],
    });
    await app.get(RocketMQTemplate).send(topic, 'a');
    await waitFor(() => steps.length === 2, { what: 'the message' });
    expect(steps).toEqual(['guard rocketmq Handlers.on true', 'a true']);
  });
});
