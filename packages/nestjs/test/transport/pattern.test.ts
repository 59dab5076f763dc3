import { describe, expect, it } from '@jest/globals';
import { parsePattern } from '../../src/transport/pattern.js';

describe('parsePattern', () => {
  it.each([
    ['order', { topic: 'order', tags: undefined }],
    ['order:*', { topic: 'order', tags: undefined }],
    ['order:created||paid', { topic: 'order', tags: new Set(['created', 'paid']) }],
    [
      { topic: 'order', tag: 'created' },
      { topic: 'order', tags: new Set(['created']) },
    ],
    [{ topic: 'order' }, { topic: 'order', tags: undefined }],
  ])('reads %p', (pattern, subscription) => {
    expect(parsePattern(pattern)).toEqual(subscription);
  });

  it.each([{ cmd: 'sum' }, '', ':tag', 5, undefined])('refuses %p and says what to do', (pattern) => {
    expect(() => parsePattern(pattern)).toThrow(/A pattern of RocketMQ is .*@EventPattern\(pattern, Transport\.TCP\)/);
  });

  it.each([
    [/^order\..*/, '/^order\\..*/'],
    ['order-*', 'order-*'],
    ['order.#', 'order.#'],
    ['order:crea*', 'order:crea*'],
    [{ topic: 'order', tag: 'a || b*' }, '{"topic":"order","tag":"a || b*"}'],
  ])('refuses the wildcards of %p, which would match nothing', (pattern, shown) => {
    expect(() => parsePattern(pattern)).toThrow(`The pattern ${shown} has wildcards`);
    expect(() => parsePattern(pattern)).toThrow(/subscribe to topics and tags by their names.*order-created/);
  });
});
