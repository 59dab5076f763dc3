import { describe, expect, it } from '@jest/globals';
import { Ledger } from './ledger.js';

function ledger() {
  const book = new Ledger();
  return { book, group: book.group('readers', ['orders']) };
}

describe('the ledger', () => {
  it('calls lost what was acknowledged and never handled, of the topics of the group', () => {
    const { book, group } = ledger();
    book.acknowledged('sync', 'a', 'orders', 'broker-a 0 0');
    book.acknowledged('sync', 'b', 'orders', 'broker-a 0 1');
    book.acknowledged('sync', 'c', 'bills', 'broker-a 0 0');
    group.handled('a');
    expect(book.missing(group)).toEqual(['b']);
    expect(book.verdicts()[0]!.lost).toEqual([expect.stringMatching(/^b of .* at broker-a 0 1$/)]);
  });

  it('counts repetitions, also of messages whose acknowledgement got lost', () => {
    const { book, group } = ledger();
    for (const id of ['a', 'a', 'unknown', 'a', 'unknown']) group.handled(id);
    expect(book.verdicts()[0]).toMatchObject({ delivered: 2, duplicates: 3, lost: [] });
  });

  it('calls disorder when a message of a key comes before an earlier one, not when one comes again', () => {
    const { group } = ledger();
    for (const number of [0, 1, 2, 1, 2, 3]) group.given('key', number);
    group.given('other', 0);
    expect(group.disorder).toEqual([]);
    group.given('key', 5);
    expect(group.disorder).toEqual(['key: 5 after 3']);
  });

  it('sees what was rolled back', () => {
    const { book, group } = ledger();
    book.rolledBack.add('t');
    group.handled('t');
    expect(book.phantoms).toEqual(['t in group readers']);
  });

  it('counts failures by their kind', () => {
    const { book } = ledger();
    for (const error of [new TypeError('x'), new TypeError('y'), new RangeError('z')]) book.failed('async', error);
    expect([...book.sends.get('async')!.failed]).toEqual([
      ['TypeError', 2],
      ['RangeError', 1],
    ]);
  });
});
