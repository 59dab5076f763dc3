import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '@rocketnest/protocol';
import { formatAddress, parseAddress, parseAddressList } from '../src/address.js';

describe('parseAddress', () => {
  it.each([
    ['127.0.0.1:9876', { address: '127.0.0.1', port: 9876 }],
    ['broker-a.example:10911', { address: 'broker-a.example', port: 10911 }],
    ['[::1]:9876', { address: '::1', port: 9876 }],
    ['2001:db8::5:9876', { address: '2001:db8::5', port: 9876 }],
    [' localhost:0 ', { address: 'localhost', port: 0 }],
  ])('reads %s', (text, host) => {
    expect(parseAddress(text)).toEqual(host);
  });

  it.each(['', 'localhost', ':9876', 'host:', 'host:x', 'host:65536', 'http://host:9876', 'ho st:1', 'host:-1'])(
    'refuses %j and says what one looks like',
    (text) => {
      expect(() => parseAddress(text)).toThrow(ConfigurationError);
      expect(() => parseAddress(text)).toThrow(/host:port/);
    },
  );

  it('formats what it parses, IPv6 in brackets', () => {
    for (const text of ['10.0.0.1:1', '[::1]:9876', 'name:65535']) expect(formatAddress(parseAddress(text))).toBe(text);
  });
});

describe('parseAddressList', () => {
  it('splits at ; and , and drops blanks and duplicates', () => {
    expect(parseAddressList('a:1; b:2,a:1;;')).toEqual(['a:1', 'b:2']);
  });

  it('refuses an empty list and a bad entry', () => {
    expect(() => parseAddressList(' ; ')).toThrow(/empty/);
    expect(() => parseAddressList('a:1;b')).toThrow(/"b" is not a network address/);
  });
});
