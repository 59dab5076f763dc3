import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '@rocketnest/protocol';
import { clientOptionTable, option, pickOptions, resolveOptions } from '../src/options.js';
import { producerOptionTable } from '../src/producer/producer-options.js';

const minimal = { namesrvAddr: '127.0.0.1:9876' };

describe('resolveOptions', () => {
  it('fills in defaults, copies and freezes', () => {
    const input = { ...minimal, requestTimeoutMs: 500 };
    const options = resolveOptions(clientOptionTable, input, 'Client');
    expect(options).toMatchObject({ requestTimeoutMs: 500, pollNameServerIntervalMs: 30_000, connectTimeoutMs: 3_000 });
    expect(options).not.toBe(input);
    expect(Object.isFrozen(options)).toBe(true);
  });

  it('copies lists, so that the caller cannot change them later', () => {
    const hooks = [{}];
    const options = resolveOptions(producerOptionTable, { ...minimal, group: 'g', hooks }, 'Producer');
    hooks.push({});
    expect(options.hooks).toHaveLength(1);
  });

  it('takes undefined as absent', () => {
    expect(
      resolveOptions(clientOptionTable, { ...minimal, requestTimeoutMs: undefined }, 'Client').requestTimeoutMs,
    ).toBe(3_000);
  });

  it.each([
    [
      'an unknown key',
      { ...minimal, group: 'g', timeout: 3 },
      /Producer has no option "timeout"\. Its options are: .*sendTimeoutMs/,
    ],
    ['a missing required key', { ...minimal }, /Producer option "group" is required/],
    [
      'a value of the wrong type',
      { ...minimal, group: 'g', sendTimeoutMs: '3s' },
      /"sendTimeoutMs" must be an integer >= 1 \(ms\), got "3s"/,
    ],
    [
      'a value out of range',
      { ...minimal, group: 'g', compressLevel: 12 },
      /"compressLevel" must be an integer from 0 to 9, got 12/,
    ],
    ['a fraction', { ...minimal, group: 'g', retryTimes: 1.5 }, /"retryTimes" must be an integer/],
    [
      'an incomplete logger',
      { ...minimal, group: 'g', logger: { info() {} } },
      /"logger" must be an object with debug, info, warn and error/,
    ],
    ['no object', 'nope', /Producer options must be an object, got "nope"/],
  ])('refuses %s, naming component, key and value', (_what, input, message) => {
    const act = () => resolveOptions(producerOptionTable, input, 'Producer');
    expect(act).toThrow(ConfigurationError);
    expect(act).toThrow(message);
  });

  it.each(Object.entries(producerOptionTable))(
    'documents %s, with a default that passes its own check',
    (_key, row) => {
      expect(row.info.doc.length).toBeGreaterThan(20);
      if (row.presence === 'default') expect(row.accepts(row.defaultValue)).toBe(true);
    },
  );

  it('knows choices and lists', () => {
    const table = {
      color: option.oneOf(['red', 'green'], { doc: 'A color.' }).required(),
      sizes: option.list<number>('numbers', Number.isFinite, { doc: 'Sizes.' }).default([]),
    };
    expect(resolveOptions(table, { color: 'red' }, 'X')).toEqual({ color: 'red', sizes: [] });
    expect(() => resolveOptions(table, { color: 'blue' }, 'X')).toThrow(
      /"color" must be one of red, green, got "blue"/,
    );
    expect(() => resolveOptions(table, { color: 'red', sizes: ['x'] }, 'X')).toThrow(
      /"sizes" must be an array of numbers/,
    );
  });
});

describe('pickOptions', () => {
  it('takes only the keys of the table', () => {
    expect(pickOptions(clientOptionTable, { ...minimal, group: 'g' })).toEqual(minimal);
  });
});
