import { describe, expect, it } from '@jest/globals';
import { parseTags } from '../../src/destination.js';
import type { ConsumerSettings } from '../../src/listeners/listener-options.js';
import type { Listener } from '../../src/listeners/plan.js';
import { planConsumers, route } from '../../src/listeners/plan.js';

function listener(
  label: string,
  destination: string,
  more: { group?: string; connection?: string; consumer?: ConsumerSettings } = {},
): Listener {
  const [topic = '', tags = '*'] = destination.split(':');
  return {
    label,
    connection: more.connection ?? 'default',
    settings: {
      enabled: true,
      subscription: { topic, tags: parseTags(tags) },
      group: more.group ?? 'g',
      id: undefined,
      consumer: more.consumer ?? {},
      delayLevel: 0,
      suspendMs: undefined,
    },
  };
}

describe('planConsumers', () => {
  it('makes one consumer per group, with all subscriptions of its listeners', () => {
    const plans = planConsumers([
      listener('A.on', 'order:created'),
      listener('B.on', 'order:paid||refunded'),
      listener('C.on', 'user'),
      listener('D.on', 'order', { group: 'other' }),
    ]);
    expect(plans.map(({ group, subscriptions }) => [group, subscriptions])).toEqual([
      [
        'g',
        [
          { topic: 'order', tags: new Set(['created', 'paid', 'refunded']) },
          { topic: 'user', tags: undefined },
        ],
      ],
      ['other', [{ topic: 'order', tags: undefined }]],
    ]);
  });

  it('keeps groups of one name on different connections apart', () => {
    const plans = planConsumers([listener('A.on', 'order'), listener('B.on', 'order', { connection: 'eu' })]);
    expect(plans.map(({ connection }) => connection)).toEqual(['default', 'eu']);
  });

  it.each([
    ['order', 'order'],
    ['order:a', 'order'],
    ['order', 'order:a'],
    ['order:a||b', 'order:b||c'],
  ])('refuses %s and %s in one group, naming both', (left, right) => {
    expect(() => planConsumers([listener('A.on', left), listener('B.on', right)])).toThrow(
      /A\.on \(order.*\) and B\.on \(order.*\) are in the same consumer group 'g', and a message may belong to both/,
    );
  });

  it('takes an SQL92 subscription for one that wants everything', () => {
    const sql = (label: string, sql92: string): Listener => {
      const plain = listener(label, 'order');
      return { ...plain, settings: { ...plain.settings, subscription: { topic: 'order', tags: undefined, sql92 } } };
    };
    expect(planConsumers([sql('A.on', 'a > 1')])[0]?.subscriptions).toEqual([
      { topic: 'order', tags: undefined, sql92: 'a > 1' },
    ]);
    expect(() => planConsumers([sql('A.on', 'a > 1'), sql('B.on', 'a <= 1')])).toThrow(
      /A\.on \(order\[a > 1\]\) and B\.on \(order\[a <= 1\]\) are in the same consumer group/,
    );
  });

  it('takes settings from whichever listener has them', () => {
    const [plan] = planConsumers([
      listener('A.on', 'order', { consumer: { concurrency: 5 } }),
      listener('B.on', 'user', { consumer: { concurrency: 5, consumeMode: 'ORDERLY' } }),
    ]);
    expect(plan?.settings).toEqual({ concurrency: 5, consumeMode: 'ORDERLY' });
  });

  it('compares dates by time', () => {
    const consumeFrom = (): ConsumerSettings => ({ consumeFrom: new Date(5) });
    expect(() =>
      planConsumers([
        listener('A.on', 'a', { consumer: consumeFrom() }),
        listener('B.on', 'b', { consumer: consumeFrom() }),
      ]),
    ).not.toThrow();
  });

  it('refuses settings that differ within a group, naming both and the values', () => {
    expect(() =>
      planConsumers([
        listener('A.on', 'order', { consumer: { consumeMode: 'ORDERLY' } }),
        listener('B.on', 'user', { consumer: { consumeMode: 'CONCURRENTLY' } }),
      ]),
    ).toThrow(/A\.on has consumeMode 'ORDERLY' and B\.on has 'CONCURRENTLY', but both are in consumer group 'g'/);
  });
});

describe('route', () => {
  const listeners = [listener('created', 'order:created'), listener('rest', 'user')];

  it.each([
    ['order', 'created', 'created'],
    ['user', undefined, 'rest'],
    ['user', 'any', 'rest'],
    ['order', 'paid', undefined],
    ['order', undefined, undefined],
    ['other', 'created', undefined],
  ])('topic %s, tag %s goes to %s', (topic, tag, label) => {
    expect(route(listeners, topic, tag)?.label).toBe(label);
  });
});
