import { describe, expect, it } from '@jest/globals';
import type { DataVersion } from '@rocketnest/protocol';
import { readConfigPages } from '../../src/admin/config-pages.js';

const version = (counter: number): DataVersion => ({ stateVersion: 0, timestamp: 1, counter });

describe('readConfigPages', () => {
  it('takes the only page of a broker that knows no pages', async () => {
    const asked: number[] = [];
    const found = await readConfigPages(async (from) => {
      asked.push(from);
      return { entries: ['a', 'b'], version: version(1), total: undefined };
    });
    expect([found, asked]).toEqual([['a', 'b'], [0]]);
  });

  it('reads page after page, and tells the version of the first', async () => {
    const all = ['a', 'b', 'c', 'd', 'e'];
    const versions: (number | undefined)[] = [];
    const found = await readConfigPages(async (from, known) => {
      versions.push(known?.counter);
      return { entries: all.slice(from, from + 2), version: version(7), total: all.length };
    });
    expect(found).toEqual(all);
    expect(versions).toEqual([undefined, 7, 7]);
  });

  it('starts again when the table changed between two pages', async () => {
    let calls = 0;
    const found = await readConfigPages(async (from) => {
      calls++;
      // Changed after the first page: one entry more in front.
      const all = calls === 1 ? ['b', 'c'] : ['a', 'b', 'c'];
      return { entries: all.slice(from, from + 1), version: version(calls === 1 ? 1 : 2), total: all.length };
    });
    expect(found).toEqual(['a', 'b', 'c']);
  });

  it('ends with a table that changes all the time, and with one that says it is longer than it is', async () => {
    let counter = 0;
    const restless = await readConfigPages(async (from) => ({
      entries: from < 3 ? [from] : [],
      version: version(++counter),
      total: 3,
    }));
    expect(restless).toEqual([0, 1, 2]);
    const short = await readConfigPages(async (from) => ({
      entries: from === 0 ? ['a'] : [],
      version: version(1),
      total: 9,
    }));
    expect(short).toEqual(['a']);
  });
});
