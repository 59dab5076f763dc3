import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import {
  type CanActivate,
  Catch,
  createParamDecorator,
  ParseIntPipe,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import { EMPTY, of } from 'rxjs';
import type { RocketMQContext } from '../../src/context.js';
import { type Argument, directCall, hasGlobalEnhancers } from '../../src/handlers/direct-call.js';

const PAYLOAD = 3;
const CONTEXT = 6;
const context = { is: 'the context' } as unknown as RocketMQContext;

/** As the invoker reads it: the payload, or a property of it, or the context. */
const read = (type: number, data: unknown, [payload, ctx]: [Record<string, unknown> | undefined, unknown]): unknown =>
  type === CONTEXT ? ctx : typeof data === 'string' ? payload?.[data] : payload;

function callOf(type: new () => object) {
  const args: Record<string, Argument> = Reflect.getMetadata('__routeArguments__', type, 'on') ?? {
    [`${PAYLOAD}:0`]: { index: 0 },
    [`${CONTEXT}:1`]: { index: 1 },
  };
  return directCall(new type(), 'on', args, [PAYLOAD, CONTEXT], read);
}

const guard: CanActivate = { canActivate: () => true };
const interceptor = { intercept: (_: unknown, next: { handle(): never }) => next.handle() };
const Custom = createParamDecorator(() => 'custom');

@Catch()
class Filter {
  catch(): undefined {
    return undefined;
  }
}

describe('a handler that nothing is around', () => {
  it('gets payload and context, and returns what it returns', async () => {
    class Handler {
      on(...values: unknown[]): unknown {
        return [this instanceof Handler, ...values];
      }
    }
    expect(await callOf(Handler)!({ a: 1 }, context)).toEqual([true, { a: 1 }, context]);
  });

  it('gets what its parameters ask for', async () => {
    class Handler {
      on(@Ctx() ctx: unknown, _undecorated: unknown, @Payload('a') a: unknown): unknown {
        return [ctx, _undecorated, a];
      }
    }
    expect(await callOf(Handler)!({ a: 1 }, context)).toEqual([context, undefined, 1]);
  });

  it('stands for the last value of a stream, and fails with an empty one, as in Nest', async () => {
    class Handler {
      on(payload: unknown): unknown {
        return payload === 'empty' ? EMPTY : of(1, 2);
      }
    }
    expect(await callOf(Handler)!('some', context)).toBe(2);
    await expect(callOf(Handler)!('empty', context)).rejects.toThrow('no elements in sequence');
  });

  it('stands for the last value of a stream that it promises', async () => {
    class Handler {
      async on(payload: unknown): Promise<unknown> {
        return payload === 'empty' ? EMPTY : of(1, 2);
      }
    }
    expect(await callOf(Handler)!('some', context)).toBe(2);
    await expect(callOf(Handler)!('empty', context)).rejects.toThrow('no elements in sequence');
  });

  it('needs no promise unless it is async', () => {
    class Handler {
      on(payload: unknown): unknown {
        return payload;
      }
    }
    expect(callOf(Handler)!(1, context)).toBe(1);
  });

  it('throws what it throws, and rejects when it is async', async () => {
    class Handler {
      on(): never {
        throw new Error('bad');
      }
    }
    class Async {
      async on(): Promise<never> {
        throw new Error('bad');
      }
    }
    expect(() => callOf(Handler)!(1, context)).toThrow('bad');
    await expect(callOf(Async)!(1, context)).rejects.toThrow('bad');
  });
});

describe('Nest calls a handler', () => {
  class OnMethod {
    @UseGuards(guard)
    on(): void {}
  }
  @UseGuards(guard)
  class OnClass {
    on(): void {}
  }
  class Derived extends OnClass {}
  class WithInterceptor {
    @UseInterceptors(interceptor)
    on(): void {}
  }
  class WithPipe {
    @UsePipes(ParseIntPipe)
    on(): void {}
  }
  class WithFilter {
    @UseFilters(Filter)
    on(): void {}
  }
  class WithParameterPipe {
    on(@Payload(ParseIntPipe) _: number): void {}
  }
  class WithCustomParameter {
    on(@Custom() _: unknown): void {}
  }

  it.each([OnMethod, OnClass, Derived, WithInterceptor, WithPipe, WithFilter, WithParameterPipe, WithCustomParameter])(
    'that something is around: %p',
    (type) => {
      expect(callOf(type)).toBeUndefined();
    },
  );

  it.each<[string, (config: ApplicationConfig) => void]>([
    ['guards', (config) => config.useGlobalGuards(guard)],
    ['pipes', (config) => config.useGlobalPipes(new ParseIntPipe())],
    ['interceptors', (config) => config.useGlobalInterceptors(interceptor)],
    ['filters beside our own', (config) => config.useGlobalFilters(new Filter(), new Filter())],
  ])('when the application has %s', (_, use) => {
    const config = new ApplicationConfig();
    expect(hasGlobalEnhancers(config, 1)).toBe(false);
    use(config);
    expect(hasGlobalEnhancers(config, 1)).toBe(true);
  });
});
