import { describe, expect, it } from '@jest/globals';
import { formatProperties, parseProperties } from '../src/properties.js';

describe('parseProperties', () => {
  it.each([
    ['a=1', { a: '1' }],
    ['a : 1\nb 2\n\n c=3 ', { a: '1', b: '2', c: '3 ' }],
    ['# comment\n! comment\r\na=1\r\nb=2', { a: '1', b: '2' }],
    ['a=one \\\n   two', { a: 'one two' }],
    ['a=ends in a backslash\\\\\nb=2', { a: 'ends in a backslash\\', b: '2' }],
    ['path=C\\:\\\\data\ntab=\\t\nu=\\u4e2d', { path: 'C:\\data', tab: '\t', u: '中' }],
    ['a\\ key=v', { 'a key': 'v' }],
    ['url=http://x?a=b', { url: 'http://x?a=b' }],
    ['a=1\na=2', { a: '2' }],
    ['empty=\nalone', { empty: '', alone: '' }],
  ])('reads %j as Java does', (text, entries) => {
    expect(Object.fromEntries(parseProperties(text))).toEqual(entries);
  });

  it('reads what formatProperties writes', () => {
    expect(
      Object.fromEntries(
        parseProperties(
          formatProperties([
            ['a', 1],
            ['b', 'x y'],
            ['c', true],
          ]),
        ),
      ),
    ).toEqual({ a: '1', b: 'x y', c: 'true' });
  });
});
