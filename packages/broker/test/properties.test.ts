import { describe, expect, it } from '@jest/globals';
import { parseProperties } from '../src/properties.js';

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
