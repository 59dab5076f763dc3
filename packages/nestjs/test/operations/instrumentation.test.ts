import { describe, expect, it } from '@jest/globals';
import type { ConsumeContext, MessageExt, OutgoingMessage } from '@rocketnest/client';
import { PushConsumer } from '@rocketnest/client';
import type { RocketMQInstrumentation } from '../../src/operations/instrumentation.js';
import { ConsumeWatch, instrumented, sendHooksOf } from '../../src/operations/instrumentation.js';

const consumer = new PushConsumer({ namesrvAddr: '127.0.0.1:1', group: 'g' });
const context: ConsumeContext = { group: 'g', queue: { topic: 't', brokerName: 'b', queueId: 0 } };
const message = { msgId: 'm', topic: 't', properties: {} } as MessageExt;

describe('ConsumeWatch', () => {
  it('runs handlers within the instrumentations, the first one outermost', async () => {
    const events: string[] = [];
    const watcher = (name: string): RocketMQInstrumentation => ({
      async consume({ connection, group, messages }, next) {
        events.push(`${name} before ${connection} ${group} ${messages.length}`);
        const end = await next();
        events.push(`${name} after ${end?.action}`);
        return end;
      },
    });
    const watch = new ConsumeWatch('default', [watcher('a'), {}, watcher('b')]);
    const handler = watch.around(consumer, async () => {
      events.push('handler');
      return { action: 'retry' };
    });
    expect(await handler([message], context)).toEqual({ action: 'retry' });
    expect(events).toEqual([
      'a before default g 1',
      'b before default g 1',
      'handler',
      'b after retry',
      'a after retry',
    ]);
  });

  it('leaves the handler as it is when nobody watches', () => {
    const handler = (): undefined => undefined;
    expect(new ConsumeWatch('default').around(consumer, handler)).toBe(handler);
    expect(new ConsumeWatch('default', [{}]).around(consumer, handler)).toBe(handler);
  });

  it('knows what was thrown for a message in this call, not in an earlier one', async () => {
    const errors: unknown[] = [];
    const watch = new ConsumeWatch('default', [
      {
        async consume(call, next) {
          const end = await next();
          errors.push(call.errorOf(message));
          return end;
        },
      },
    ]);
    const error = new Error('first');
    let calls = 0;
    const handler = watch.around(consumer, () => {
      if (++calls === 1) watch.failed(message, error);
    });
    await handler([message], context);
    await handler([message], context);
    expect(errors).toEqual([error, undefined]);
  });
});

describe('sends', () => {
  it('have the hooks of the user and of the instrumentations, in this order', () => {
    const [own, theirs] = [{ beforeSend: () => undefined }, { afterSend: () => undefined }];
    expect(sendHooksOf([own], [{}, { sendHook: theirs }])).toEqual([own, theirs]);
    expect(sendHooksOf()).toEqual([]);
  });

  it('are changed by one instrumentation after the other', () => {
    const adding = (name: string): RocketMQInstrumentation => ({
      outgoing: (given) => ({ ...given, properties: { ...given.properties, [name]: 'x' } }),
    });
    const given: OutgoingMessage = { topic: 't', body: 'b', properties: { own: 'y' } };
    expect(instrumented(given, [adding('a'), {}, adding('b')]).properties).toEqual({ own: 'y', a: 'x', b: 'x' });
    expect(instrumented(given)).toBe(given);
  });
});
