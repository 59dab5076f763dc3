import { describe, expect, it } from '@jest/globals';
import { formatProperties, parseProperties } from '../src/java-properties.js';

describe('Java properties', () => {
  it.each([
    ['a=b', { a: 'b' }],
    ['a = b ', { a: 'b ' }],
    ['a: b', { a: 'b' }],
    ['a b', { a: 'b' }],
    ['a', { a: '' }],
    ['a=', { a: '' }],
    ['  a=b', { a: 'b' }],
    ['# a=b\n! c=d\n\n', {}],
    ['a=b#c', { a: 'b#c' }],
    ['a=1\na=2', { a: '2' }],
    ['a=b\r\nc=d', { a: 'b', c: 'd' }],
    ['a=1 \\\n   2', { a: '1 2' }],
    ['a=1\\\\\nb=2', { a: '1\\', b: '2' }],
    ['a=x\\ty\\u0041', { a: 'x\tyA' }],
    ['a\\ b=c', { 'a b': 'c' }],
    ['a\\=b=c', { 'a=b': 'c' }],
    ['path=C\\:\\\\store', { path: 'C:\\store' }],
    ['a=b\\', { a: 'b' }],
  ])('%j', (source, expected) => {
    expect(Object.fromEntries(parseProperties(source))).toEqual(expected);
  });
});

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
