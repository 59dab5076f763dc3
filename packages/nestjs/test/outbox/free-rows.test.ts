import { describe, expect, it } from '@jest/globals';
import { FreeRows, isBeginningOfLane, type WaitingRow } from '../../src/outbox/free-rows.js';

/** `'1a 2a! 3'`: ids with their lanes, `!` is not due. */
const rows = (text: string): WaitingRow[] =>
  text.split(' ').map((word) => {
    const [, id, lane, mark] = /^(\d+)([a-z]*)(!?)$/.exec(word)!;
    return { id, lane: lane === '' ? undefined : lane, isDue: mark === '' };
  });

describe('FreeRows', () => {
  it.each([
    ['rows without a lane', '1 2 3', 5, 9, '1 2 3'],
    ['as many as can be sent at the same time', '1 2 3', 2, 9, '1 2'],
    ['those behind the first of a lane, too, which need no room', '1a 2a 3b 4a', 2, 9, '1 2 3 4'],
    ['not more than in all', '1a 2a 3a 4a', 2, 3, '1 2 3'],
    ['none of a lane whose first row is not due', '1a! 2a 3b 4', 5, 9, '3 4'],
    ['none behind a row that is not due', '1a 2a! 3a 4b', 5, 9, '1 4'],
    ['none of a lane that found no room', '1a 2b 3b 4a', 1, 9, '1 4'],
    ['no row without a lane that is not due', '1! 2', 5, 9, '2'],
  ])('are %s', (_, waiting, maxLanes, maxRows, expected) => {
    const free = new FreeRows(maxLanes, maxRows);
    free.read(rows(waiting));
    expect(free.ids.join(' ')).toBe(expected);
  });

  it('are found page by page, without the rest of lanes that have many rows', () => {
    const free = new FreeRows(3, 100);
    const crowd = Array.from({ length: 12 }, (_, i) => `${i + 1}a`).join(' ');
    free.read(rows(`${crowd} 13b!`));
    expect(free.crowdedLanes).toEqual(['a']);
    expect(free.ids).toHaveLength(12);
    expect(free.isFull).toBe(false);
    // Rows of the crowd between the pages were not read: those behind them do not follow.
    free.read(rows('50a 51b 52c 53'));
    expect(free.ids.slice(12)).toEqual(['52', '53']);
    expect(free.isFull).toBe(true);
  });
});

describe('isBeginningOfLane', () => {
  it('gives up what was taken behind a row that somebody else has', () => {
    const isOwn = isBeginningOfLane(rows('1a 2a 3a 4b 5b 6 7'), ['2', '3', '4', '7']);
    expect(['2', '3', '4', '7'].filter(isOwn)).toEqual(['4', '7']);
  });
});
