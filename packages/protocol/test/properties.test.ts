import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../src/errors.js';
import {
  decodeProperties,
  encodeProperties,
  javaHashCode,
  PropertyName,
  ReservedPropertyNames,
  tagsCodeOf,
} from '../src/properties.js';
import { fixture } from './fixtures.js';

const java = fixture<{
  properties: { text: string; properties: Record<string, string> }[];
  hashCodes: { text: string; hash: number; tagsCode: number }[];
}>('texts');
const names = fixture<{ properties: string; reservedProperties: string }>('codes');

describe('property names', () => {
  it('are all those of Java', () => {
    const ours = new Set<string>(Object.values(PropertyName));
    const theirs = names.properties.split(' ').map((pair) => pair.split('=') as [string, string]);
    const missing = theirs.filter(([name, value]) => name.startsWith('PROPERTY_') && !ours.has(value));
    // The prefix of the transient properties is not a name by itself.
    expect(missing).toEqual([['PROPERTY_TRANSIENT_PREFIX', '__RMQ.TRANSIENT.']]);
  });

  it('are reserved as in Java', () => {
    expect([...ReservedPropertyNames].sort()).toEqual(names.reservedProperties.split(' ').sort());
  });
});

describe('decodeProperties', () => {
  it.each(java.properties)('reads $text as Java does', ({ text, properties }) => {
    expect(decodeProperties(text)).toEqual(properties);
    expect(decodeProperties(Buffer.from(text))).toEqual(properties);
  });

  it('takes linear time for a text of separators only', () => {
    const started = process.hrtime.bigint();
    expect(decodeProperties(`${'\u0002'.repeat(2_000_000)}\u0001`)).toEqual({});
    // Quadratic time would be minutes.
    expect(Number(process.hrtime.bigint() - started) / 1e9).toBeLessThan(20);
  });
});

describe('encodeProperties', () => {
  it('writes name and value with their separators, in order', () => {
    expect(encodeProperties({ b: '1', a: '中 🚀' })).toBe('b\u00011\u0002a\u0001中 🚀\u0002');
  });

  it('leaves out undefined and null', () => {
    expect(encodeProperties({ a: undefined, b: null, c: 'd' })).toBe('c\u0001d\u0002');
    expect(encodeProperties({})).toBe('');
  });

  it('round-trips, also values that hold the name separator', () => {
    const properties = { KEYS: 'a b', x: '1\u00012' };
    expect(decodeProperties(encodeProperties(properties))).toEqual(properties);
  });

  it.each([
    ['a name', { 'a\u0001b': 'c' }],
    ['a name', { 'a\u0002b': 'c' }],
    ['a value', { a: 'b\u0002c' }],
  ])('refuses a separator in %s', (_, properties) => {
    expect(() => encodeProperties(properties as Record<string, string>)).toThrow(ConfigurationError);
  });
});

describe('tags', () => {
  it.each(java.hashCodes)('$text has the hash code of Java', ({ text, hash, tagsCode }) => {
    expect(javaHashCode(text)).toBe(hash);
    expect(tagsCodeOf(text)).toBe(tagsCode);
  });

  it('absent have the code 0', () => {
    expect(tagsCodeOf(undefined)).toBe(0);
    expect(tagsCodeOf(null)).toBe(0);
  });
});
