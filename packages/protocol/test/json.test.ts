import { describe, expect, it } from '@jest/globals';
import { ProtocolError } from '../src/errors.js';
import { KeyedEntries, parseFastjson } from '../src/json.js';
import { thrown } from './fixtures.js';

describe('parseFastjson', () => {
  it.each([
    ['{0:"a",1:"b"}', { 0: 'a', 1: 'b' }],
    ['{-5:1}', { '-5': 1 }],
    ['{"a":{0:[1,{2:null}]},"b":true,"c":false}', { a: { 0: [1, { 2: null }] }, b: true, c: false }],
    [' { 0 : "x" , "y" : [ ] } ', { 0: 'x', y: [] }],
    ['{0:"\\u4e2d\\n\\"\\\\"}', { 0: '中\n"\\' }],
    ['{0:-1.5e3}', { 0: -1500 }],
    ['{0:{}}', { 0: {} }],
    ['{"a":1}', { a: 1 }],
  ])('reads %s', (text, value) => {
    expect(parseFastjson(text)).toEqual(value);
  });

  it('reads maps keyed by objects as entries', () => {
    expect(parseFastjson('{"t":{{"q":0}:{"o":1},{"q":1}:{"o":2}}}')).toEqual({
      t: new KeyedEntries([
        [{ q: 0 }, { o: 1 }],
        [{ q: 1 }, { o: 2 }],
      ]),
    });
  });

  it.each([
    ['', 0, 'expected a value, found the end'],
    ['{0:"a"', 6, 'expected "," or "}", found the end'],
    ['{0 "a"}', 3, 'expected a colon, found "\\""'],
    ['{0:"a",}', 7, 'expected a value, found "}"'],
    ['{0:1}x', 5, 'expected the end, found "x"'],
    ['{0:abc}', 3, 'expected a value, found "a"'],
    ['{0:0x10}', 3, 'expected a value, found "0"'],
    ['{0:"abc', 3, 'string without an end'],
    ['{0:"\\x"}', 3, 'malformed string'],
    ['{0:[1 2]}', 6, 'expected "," or "]", found "2"'],
    ['{0:--1}', 3, 'expected a value, found "-"'],
    ['{0:toString}', 3, 'expected a value, found "t"'],
  ])('reports what is wrong with %p at position %i', (text, position, detail) => {
    expect(() => parseFastjson(text)).toThrow(new ProtocolError(`Malformed JSON at position ${position}: ${detail}`));
  });

  it('cut anywhere is a ProtocolError', () => {
    const text = '{"brokerDatas":[{"brokerAddrs":{0:"10.0.0.1:10911"},"x":true}],"t":{{"q":0}:1.5}}';
    expect(parseFastjson(text)).toBeDefined();
    for (let length = 0; length < text.length; length++) {
      const error = thrown(() => parseFastjson(text.slice(0, length)));
      if (!(error instanceof ProtocolError)) throw new Error(`cut to ${length}: ${String(error)}`);
    }
  });

  it('refuses deep nesting instead of overflowing the stack', () => {
    expect(() => parseFastjson(`{0:${'['.repeat(1_000_000)}`)).toThrow(/nested deeper than 256 levels/);
  });

  it('takes linear time', () => {
    const many = `{0:[${'{1:"x"},'.repeat(100_000)}0]}`;
    const started = process.hrtime.bigint();
    expect((parseFastjson(many) as Record<string, unknown[]>)['0']).toHaveLength(100_001);
    expect(() => parseFastjson(`{0:"${'\\\\'.repeat(1_000_000)}`)).toThrow(/string without an end/);
    // Quadratic time would be many minutes.
    expect(Number(process.hrtime.bigint() - started) / 1e9).toBeLessThan(20);
  });

  it('keeps __proto__ an ordinary key', () => {
    const value = parseFastjson('{0:{"__proto__":{"polluted":true}}}') as Record<string, object>;
    expect(Object.getPrototypeOf(value['0'])).toBe(Object.prototype);
    expect(Object.keys(value['0']!)).toEqual(['__proto__']);
  });
});
