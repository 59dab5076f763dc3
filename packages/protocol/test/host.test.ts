import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../src/errors.js';
import { hostToString, parseHost, readHost, readIPv6, writeAddress, writeHost } from '../src/host.js';

describe('IPv4 addresses', () => {
  it.each([
    ['0.0.0.0', '00000000'],
    ['10.0.0.1', '0a000001'],
    ['255.255.255.255', 'ffffffff'],
  ])('%s', (address, hex) => {
    const bytes = Buffer.alloc(4);
    expect(writeAddress(address, bytes, 0)).toBe(4);
    expect(bytes.toString('hex')).toBe(hex);
  });

  it.each([
    '',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '1..2.3',
    '1.2.3.',
    '1.2.3.0004',
    '1.2.3.4 ',
    '-1.2.3.4',
  ])('refuses %p', (address) => {
    expect(() => writeAddress(address, Buffer.alloc(16), 0)).toThrow(ConfigurationError);
  });
});

describe('IPv6 addresses', () => {
  it.each([
    ['::', '00000000000000000000000000000000', '::'],
    ['::1', '00000000000000000000000000000001', '::1'],
    ['2001:DB8::1', '20010db8000000000000000000000001', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008', '1:2:3:4:5:6:7:8'],
    ['1:2:3:4:5:6:0:8', '00010002000300040005000600000008', '1:2:3:4:5:6:0:8'],
    ['fe80::1%eth0', 'fe800000000000000000000000000001', 'fe80::1'],
    ['::ffff:10.0.0.1', '00000000000000000000ffff0a000001', '::ffff:a00:1'],
    ['1::', '00010000000000000000000000000000', '1::'],
  ])('%s', (address, hex, shortest) => {
    const bytes = Buffer.alloc(16);
    expect(writeAddress(address, bytes, 0)).toBe(16);
    expect(bytes.toString('hex')).toBe(hex);
    expect(readIPv6(bytes, 0)).toBe(shortest);
  });

  it.each([
    ':',
    ':::',
    '1::2::3',
    '1:2:3',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8:9',
    'g::1',
    '12345::1',
    '1:2:3:4:5:6:7:8::',
  ])('refuses %p', (address) => {
    expect(() => writeAddress(address, Buffer.alloc(16), 0)).toThrow(ConfigurationError);
  });
});

describe('hosts', () => {
  it.each([
    [{ address: '10.0.0.1', port: 10911 }, 8, '10.0.0.1:10911'],
    [{ address: '2001:db8::1', port: 65535 }, 20, '[2001:db8::1]:65535'],
  ])('%p takes %i bytes and reads back', (host, size, text) => {
    const bytes = Buffer.alloc(24);
    expect(writeHost(host, bytes, 2)).toBe(size);
    expect(readHost(bytes, 2, size === 20)).toEqual(host);
    expect(hostToString(host)).toBe(text);
    expect(parseHost(text)).toEqual(host);
  });

  it.each(['', 'a', 'a:', 'a:x', '1.2.3.4:65536', '1.2.3.4:-1', '1.2.3.4:1.5', ':'])('refuses %p', (text) => {
    expect(() => parseHost(text)).toThrow(ConfigurationError);
  });
});
