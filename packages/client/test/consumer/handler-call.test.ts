import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@rocketnest/remoting';
import { ConsumeStats } from '../../src/consumer/consume-stats.js';
import { HandlerCall } from '../../src/consumer/handler-call.js';
import { resolvePushConsumerOptions } from '../../src/consumer/options.js';
import { type ConsumeContext, type ConsumeHooks, hookList, type MessageHandler } from '../../src/consumer/outcome.js';
import { Namespace } from '../../src/namespace.js';
import { pulled, QUEUE } from './stored-message.js';

function callOf(handler: MessageHandler, hooks: readonly ConsumeHooks[]): HandlerCall {
  return new HandlerCall({
    group: 'g',
    namespace: new Namespace(),
    handler,
    logger: silentLogger,
    stats: new ConsumeStats(),
    hooks,
  });
}

describe('hooks of a consumer', () => {
  it('are all called, in the order given, around the handler', () => {
    const seen: string[] = [];
    const hook = (name: string): ConsumeHooks => ({
      before: (messages) => void seen.push(`${name} before ${messages.length}`),
      after: (_, __, { outcome }) => void seen.push(`${name} after ${outcome?.action ?? 'success'}`),
    });
    callOf(() => void seen.push('handler'), [hook('first'), { before: () => {} }, hook('second')]).invoke(
      [pulled(0)],
      QUEUE,
      () => seen.push('settled'),
    );
    expect(seen).toEqual([
      'first before 1',
      'second before 1',
      'handler',
      'first after success',
      'second after success',
      'settled',
    ]);
  });

  it('get the same context before and after one call, and another one in the next', () => {
    const before: ConsumeContext[] = [];
    const after: ConsumeContext[] = [];
    const call = callOf(() => {}, [
      { before: (_, context) => void before.push(context), after: (_, context) => void after.push(context) },
    ]);
    call.invoke([pulled(0)], QUEUE, () => {});
    call.invoke([pulled(1)], QUEUE, () => {});
    expect(after[0]).toBe(before[0]);
    expect(after[1]).toBe(before[1]);
    expect(before[1]).not.toBe(before[0]);
  });

  it('that throw keep neither the others nor the handler from running', () => {
    const seen: string[] = [];
    const broken: ConsumeHooks = {
      before: () => {
        throw new Error('broken hook');
      },
    };
    let outcome: unknown = 'unsettled';
    callOf(() => void seen.push('handler'), [broken, { after: () => void seen.push('after') }]).invoke(
      [pulled(0)],
      QUEUE,
      (settled) => {
        outcome = settled;
      },
    );
    expect(seen).toEqual(['handler', 'after']);
    expect(outcome).toBeUndefined();
  });

  it('may be given as one object or as an array', () => {
    const hook: ConsumeHooks = { before: () => {} };
    const resolve = (hooks: ConsumeHooks | readonly ConsumeHooks[]) =>
      hookList(resolvePushConsumerOptions({ namesrvAddr: 'localhost:1', group: 'g', hooks }).hooks);
    expect(resolve(hook)).toEqual([hook]);
    expect(resolve([hook, hook])).toEqual([hook, hook]);
    expect(hookList(undefined)).toEqual([]);
    expect(() => resolve([hook, {}])).toThrow('PushConsumer option "hooks" must be an object with before');
  });
});
