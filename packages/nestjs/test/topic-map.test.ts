import { expect, it } from '@jest/globals';
import { RocketMQRecord, type RocketMQTemplate } from '../src/index.js';
import type { PayloadOf } from '../src/topic-map.js';

declare module '../src/index.js' {
  interface RocketMQTopics {
    'typed-order': { id: number };
    'typed-order:cancelled': { reason: string };
  }
}

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
const yes = (): true => true;

it('knows the payload of a topic, and leaves the others alone', () => {
  // The compiler does the work: lint:types checks this file.
  const known: [
    Same<PayloadOf<'typed-order'>, { id: number }>,
    Same<PayloadOf<'typed-order:created'>, { id: number }>,
    Same<PayloadOf<'typed-order:cancelled'>, { reason: string }>,
    Same<PayloadOf<{ topic: 'typed-order' }>, { id: number }>,
    Same<PayloadOf<{ topic: 'typed-order'; tag: 'cancelled' }>, { reason: string }>,
    Same<PayloadOf<'other:tag'>, unknown>,
    Same<PayloadOf<string>, unknown>,
  ] = [yes(), yes(), yes(), yes(), yes(), yes(), yes()];
  expect(known).toHaveLength(7);

  const calls = (template: RocketMQTemplate, topic: string) => [
    template.send('typed-order:created', { id: 1 }),
    template.send('typed-order', new RocketMQRecord({ id: 1 })),
    template.send({ topic: 'typed-order', tag: 'cancelled', keys: 'k' }, { reason: 'x' }),
    template.send('other', 1),
    template.send(topic, 'x'),
    template.request<string>('other', 1),
    // @ts-expect-error a text is no order
    template.send('typed-order', 'x'),
    // @ts-expect-error the tag has a payload of its own
    template.send({ topic: 'typed-order', tag: 'cancelled' }, { id: 1 }),
    // @ts-expect-error in batches, too
    template.sendBatch('typed-order', [{ id: 'x' }]),
  ];
  expect(calls).toBeInstanceOf(Function);
});
