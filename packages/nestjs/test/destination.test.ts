import { describe, expect, it } from '@jest/globals';
import { formatSubscription, formatTags, parseDestination, parseTags } from '../src/destination.js';

describe('parseDestination', () => {
  it.each([
    ['order', 'order', ''],
    ['order:created', 'order', 'created'],
    ['order:', 'order', ''],
    ['order:a:b', 'order', 'a:b'],
  ])('splits %s at the first colon, as rocketmq-spring does', (text, topic, tag) => {
    expect(parseDestination(text)).toMatchObject({ topic, tag });
  });

  it('takes an object with keys and headers', () => {
    expect(parseDestination({ topic: 'order', tag: 'paid', keys: 'k', headers: { a: 1 } })).toEqual({
      topic: 'order',
      tag: 'paid',
      keys: 'k',
      headers: { a: 1 },
    });
  });

  it.each([['', ':tag', null, {}, 7]].flat())('refuses %p, which names no topic', (destination) => {
    expect(() => parseDestination(destination as never)).toThrow(
      /A destination is 'topic', 'topic:tag' or \{ topic, tag \}/,
    );
  });
});

describe('tags', () => {
  it.each([
    ['*', undefined],
    ['', undefined],
    [' || ', undefined],
    ['a', ['a']],
    [' b || a ||b', ['b', 'a']],
    ['a || *', undefined],
  ])('reads the expression %p', (expression, tags) => {
    expect(parseTags(expression)).toEqual(tags === undefined ? undefined : new Set(tags));
  });

  it('writes the same text whatever the order', () => {
    expect(formatTags(new Set(['b', 'a']))).toBe('a || b');
    expect(formatTags(undefined)).toBe('*');
    expect(formatSubscription({ topic: 't', tags: new Set(['b', 'a']) })).toBe('t:a || b');
    expect(formatSubscription({ topic: 't', tags: undefined })).toBe('t');
  });
});
