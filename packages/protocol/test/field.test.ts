import { describe, expect, it } from '@jest/globals';
import { ProtocolError } from '../src/errors.js';
import { decodeFields, encodeFields, field, fieldTable } from '../src/field.js';

const table = fieldTable(
  {
    name: field.string(),
    count: field.int(),
    offset: field.long(),
    on: field.bool(),
    note: field.string().optional(),
    limit: field.int().default(32),
    open: field.bool().default(true),
  },
  { note: 'n' },
);
const texts = { name: 'x', count: '-7', offset: '9007199254740991', on: 'true' };

describe('encodeFields', () => {
  it('writes every value as text under its wire name', () => {
    expect(
      encodeFields(table, { name: '', count: 0, offset: -1, on: false, note: 'hi', limit: 1, open: true }),
    ).toEqual({
      name: '',
      count: '0',
      offset: '-1',
      on: 'false',
      n: 'hi',
      limit: '1',
      open: 'true',
    });
  });

  it('leaves out undefined, null and untouched defaults', () => {
    const values = { name: 'x', count: 1, offset: 2, on: true, note: null, limit: undefined };
    expect(encodeFields(table, values)).toEqual({ name: 'x', count: '1', offset: '2', on: 'true' });
  });

  it('refuses to leave out a required field', () => {
    const values = { name: 'x', count: 1, on: true } as never;
    expect(() => encodeFields(table, values, 'PULL_MESSAGE')).toThrow(
      new ProtocolError('PULL_MESSAGE: field offset is missing'),
    );
  });

  it.each([
    ['count', 1.5],
    ['count', 2 ** 31],
    ['count', Number.NaN],
    ['offset', 2 ** 53],
    ['offset', '7'],
  ])('refuses %s = %p', (name, value) => {
    const values = { name: 'x', count: 1, offset: 1, on: true, [name]: value } as never;
    expect(() => encodeFields(table, values, 'X')).toThrow(ProtocolError);
  });
});

describe('decodeFields', () => {
  it('reads texts into values and fills defaults in', () => {
    expect(decodeFields(table, texts, 'X')).toEqual({
      name: 'x',
      count: -7,
      offset: Number.MAX_SAFE_INTEGER,
      on: true,
      limit: 32,
      open: true,
    });
  });

  it('ignores fields the table does not know and reads wire names only', () => {
    expect(decodeFields(table, { ...texts, other: '1', note: 'no', n: 'yes' }, 'X')).toEqual(
      expect.objectContaining({ note: 'yes' }),
    );
    expect(decodeFields(table, { ...texts, other: '1' }, 'X')).not.toHaveProperty('other');
  });

  it('leaves an absent optional field out of the result', () => {
    expect('note' in decodeFields(table, texts, 'X')).toBe(false);
  });

  it.each([
    ['9223372036854775807', Number.MAX_SAFE_INTEGER],
    ['-9223372036854775808', Number.MIN_SAFE_INTEGER],
    ['+12', 12],
    ['-0', 0],
    ['0012', 12],
  ])('reads the long %s as %p', (text, value) => {
    expect(decodeFields(table, { ...texts, offset: text }, 'X').offset).toBe(value);
  });

  it.each(['True', 'TRUE', 'true'])('reads the bool %s as true, as Java does', (text) => {
    expect(decodeFields(table, { ...texts, on: text }, 'X').on).toBe(true);
  });

  it.each(['', '1', 'yes', 'false', 'truex'])('reads the bool %p as false, as Java does', (text) => {
    expect(decodeFields(table, { ...texts, on: text }, 'X').on).toBe(false);
  });

  it.each([
    ['count', '2147483648'],
    ['count', ''],
    ['count', '-'],
    ['count', ' 1'],
    ['count', '1.0'],
    ['count', '1e3'],
    ['count', '0x10'],
    ['count', 'NaN'],
    ['offset', '9223372036854775809999'],
    ['offset', '99999999999999999999'],
    ['offset', 'Infinity'],
    ['offset', '１'],
  ])('refuses %s = %p, naming request, field and value', (name, text) => {
    expect(() => decodeFields(table, { ...texts, [name]: text }, 'PULL_MESSAGE')).toThrow(
      expect.objectContaining({
        code: 'PROTOCOL',
        message: expect.stringContaining(`PULL_MESSAGE: field ${name} is ${JSON.stringify(text)}`),
        context: expect.objectContaining({ request: 'PULL_MESSAGE', field: name }),
      }),
    );
  });

  it('shows only the beginning of a long malformed value', () => {
    const text = '9'.repeat(100_000);
    expect(() => decodeFields(table, { ...texts, count: text }, 'X')).toThrow(/^.{0,200}$/);
  });

  it('refuses a missing required field by name and wire name', () => {
    const aliased = fieldTable({ topic: field.string() }, { topic: 'b' });
    expect(() => decodeFields(aliased, { topic: 'x' }, 'SEND')).toThrow('SEND: field topic (b) is missing');
  });
});
