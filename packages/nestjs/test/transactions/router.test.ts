import { describe, expect, it } from '@jest/globals';
import type { MessageExt } from '@rocketnest/client';
import type { RocketMQTransactionListenerOptions } from '../../src/decorators/transaction.js';
import { TRANSACTION_LISTENER_PROPERTY, TransactionRouter } from '../../src/transactions/router.js';

const entry = (label: string, options: RocketMQTransactionListenerOptions, check: () => unknown = () => 'COMMIT') => ({
  label,
  options,
  check: async () => check(),
  execute: undefined,
});

const half = (topic: string, tag?: string, listener?: string): MessageExt =>
  ({
    topic,
    msgId: 'M1',
    properties: {
      ...(tag === undefined ? {} : { TAGS: tag }),
      ...(listener === undefined ? {} : { [TRANSACTION_LISTENER_PROPERTY]: listener }),
    },
  }) as unknown as MessageExt;

describe('TransactionRouter', () => {
  const router = new TransactionRouter([
    entry('named', { name: 'refunds' }),
    entry('topic', { topic: 'order' }),
    entry('tagged', { topic: 'order', tag: 'vip' }),
    entry('rest', {}),
  ]);

  it.each([
    [{ topic: 'order', tag: undefined, listener: undefined }, 'topic'],
    [{ topic: 'order', tag: 'vip', listener: undefined }, 'tagged'],
    [{ topic: 'order', tag: 'other', listener: undefined }, 'topic'],
    [{ topic: 'user', tag: undefined, listener: undefined }, 'rest'],
    [{ topic: 'order', tag: 'vip', listener: 'refunds' }, 'named'],
    [{ topic: 'order', tag: 'vip', listener: 'unknown' }, undefined],
  ])('%p goes to %s', (subject, label) => {
    expect(router.find(subject)?.label).toBe(label);
  });

  it.each([
    [{ name: 'a' }, { name: 'a', topic: 'x' }, /name 'a'/],
    [{ topic: 'x' }, { topic: 'x' }, /topic 'x'/],
    [{}, {}, /no other listener/],
  ])('refuses two that claim the same: %p and %p', (left, right, message) => {
    expect(() => new TransactionRouter([entry('A.check', left), entry('B.check', right)])).toThrow(message);
    expect(() => new TransactionRouter([entry('A.check', left), entry('B.check', right)])).toThrow(
      /A\.check and B\.check both/,
    );
  });

  it('answers with what the listener says', async () => {
    const errors: string[] = [];
    const only = new TransactionRouter([entry('A.check', {}, () => 'ROLLBACK')]);
    await expect(only.check(half('order'), (text) => errors.push(text))).resolves.toBe('ROLLBACK');
    expect(errors).toEqual([]);
  });

  it.each([
    [
      'nobody answers for it',
      [],
      half('order', 'a', 'refunds'),
      /no @RocketMQTransactionListener answers for it. Known: none/,
    ],
    ['the answer is not a state', [entry('A.check', {}, () => true)], half('order'), /A\.check answered true/],
    [
      'the listener fails',
      [
        entry('A.check', {}, () => {
          throw new Error('db down');
        }),
      ],
      half('order'),
      /A\.check failed to check transaction message M1/,
    ],
  ])('answers UNKNOWN and says why when %s', async (_, entries, message, text) => {
    const errors: string[] = [];
    await expect(new TransactionRouter(entries).check(message, (error) => errors.push(error))).resolves.toBe('UNKNOWN');
    expect(errors).toEqual([expect.stringMatching(text)]);
  });
});
