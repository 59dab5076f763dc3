import { describe, expect, it } from '@jest/globals';
import type { MessageExt } from '@rocketnest/client';
import { RocketMQContext } from '../../src/context.js';
import { defaultKey, storeKey } from '../../src/idempotency/keys.js';
import { NonRetryableError } from '../../src/outcome.js';

const contextOf = (properties: Record<string, string>) =>
  new RocketMQContext([
    { topic: 'order', msgId: 'ID1', properties } as unknown as MessageExt,
    { connection: 'default', group: 'stock' },
  ]);

const keyOf = (key: unknown) => storeKey(() => key as string, 'Stock.onPaid', {}, contextOf({ TAGS: 'paid' }));

describe('the key of a message', () => {
  it.each([
    [{ KEYS: 'a', TAGS: 'paid' }, 'stock|order|paid|Stock.onPaid|a'],
    [{ KEYS: 'a b' }, 'stock|order||Stock.onPaid|a b'],
    [{ KEYS: '' }, 'stock|order||Stock.onPaid|ID1'],
    [{}, 'stock|order||Stock.onPaid|ID1'],
  ])('made of the properties %j is %s', (properties, expected) => {
    expect(storeKey(defaultKey, 'Stock.onPaid', {}, contextOf(properties))).toBe(expected);
  });

  it.each(['x', '订', '😀'])(
    'made of very many %s fits every store, is readable, and differs from others',
    (character) => {
      const [one, other] = [keyOf(`1${character.repeat(300)}1`), keyOf(`1${character.repeat(300)}2`)];
      expect(Buffer.byteLength(one)).toBeLessThanOrEqual(255);
      expect(one).toMatch(new RegExp(`^stock\\|order\\|paid\\|Stock\\.onPaid\\|1${character}+#[0-9a-f]{64}$`, 'u'));
      expect(one).not.toBe(other);
    },
  );

  it('stays as it is up to 255 bytes', () => {
    const room = 255 - keyOf('x').length + 1;
    expect(keyOf('x'.repeat(room))).toMatch(/\|x+$/);
    expect(keyOf('x'.repeat(room + 1))).toMatch(/\|x+#[0-9a-f]{64}$/);
  });

  it.each([undefined, null, '', 7])('is never %p: such messages are given up', (key) => {
    expect(() => keyOf(key)).toThrow(NonRetryableError);
  });
});
