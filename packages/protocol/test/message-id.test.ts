import { describe, expect, it } from '@jest/globals';
import { ConfigurationError, ProtocolError } from '../src/errors.js';
import {
  decodeOffsetMsgId,
  encodeOffsetMsgId,
  OffsetMsgIds,
  UniqueIdGenerator,
  uniqueIdAddress,
  uniqueIdTime,
} from '../src/message-id.js';
import { fixture } from './fixtures.js';

const java = fixture<{
  offsetMsgIds: { address: string; port: number; offset: number; id: string }[];
  uniqueIds: { id: string; time: number; address: string; pid: number; now: number }[];
}>('texts');

describe('offset message ids', () => {
  it.each(java.offsetMsgIds)('of $address:$port at $offset are those of Java', ({ address, port, offset, id }) => {
    expect(encodeOffsetMsgId({ address, port }, offset)).toBe(id);
    expect(decodeOffsetMsgId(id)).toEqual({ host: { address, port }, commitLogOffset: offset });
    expect(decodeOffsetMsgId(id.toLowerCase()).commitLogOffset).toBe(offset);
  });

  it('are the same when they are made one after the other, across blocks and hosts', () => {
    const ids = new OffsetMsgIds();
    const hosts = ['10.0.0.1', '10.0.0.2', '2001:db8::1'].map((address) => ({ address, port: 10911 }));
    const offsets = [0, 0xff, 0x100, 0xffff, 0x1_0000, 0x1_0001, 0xffff_ffff, 2 ** 32, 2 ** 40 + 0xabcd, 0];
    for (const host of hosts) {
      for (const offset of offsets) expect(ids.of(host, offset)).toBe(encodeOffsetMsgId(host, offset));
    }
    expect(ids.of(hosts[0]!, 7)).toBe(encodeOffsetMsgId(hosts[0]!, 7));
  });

  it.each(['', '0A', `${'0'.repeat(31)}G`, '0'.repeat(33), '0'.repeat(100_000)])('refuses %p', (id) => {
    expect(() => decodeOffsetMsgId(id)).toThrow(ProtocolError);
    expect(() => decodeOffsetMsgId(id)).toThrow(/expected 32 or 56 hexadecimal digits/);
  });
});

describe('unique message ids', () => {
  it.each(java.uniqueIds)('$id of Java tell address and time', ({ id, address, time, now }) => {
    // Java writes IPv6 addresses out in full.
    expect(uniqueIdAddress(id)).toBe(address.replace(/(:0000)+:000/, '::').replace(/^0+(?=\d)/, ''));
    // Recorded in UTC; month starts are local, and the difference of two zones is less than a day.
    expect(Math.abs(uniqueIdTime(id, now) - time)).toBeLessThan(86_400_000);
  });

  it('are address, process, instance, time in the month and counter', () => {
    const now = new Date(2024, 1, 1, 0, 0, 1, 5).getTime();
    const ids = new UniqueIdGenerator({ address: '10.0.0.1', pid: 0x1_2345, instance: 0x18b4aac2, now: () => now });
    expect(ids.next()).toBe('0A000001' + '2345' + '18B4AAC2' + '000003ED' + '0000');
    expect(ids.next()).toBe('0A000001' + '2345' + '18B4AAC2' + '000003ED' + '0001');
    expect(uniqueIdTime(ids.next(), now + 10)).toBe(now);
  });

  it('carry an IPv6 address', () => {
    const ids = new UniqueIdGenerator({ address: '2001:db8::1', pid: 1, instance: -1 });
    const id = ids.next();
    expect(id).toHaveLength(56);
    expect(id.slice(36, 44)).toBe('FFFFFFFF');
    expect(uniqueIdAddress(id)).toBe('2001:db8::1');
  });

  it('are distinct for 65536 ids of one millisecond, then repeat', () => {
    const ids = new UniqueIdGenerator({ address: '10.0.0.1', pid: 1, instance: 2, now: () => 1_700_000_000_000 });
    const first = ids.next();
    const seen = new Set([first]);
    for (let i = 1; i < 65_536; i++) seen.add(ids.next());
    expect(seen.size).toBe(65_536);
    expect(ids.next()).toBe(first);
  });

  it('start again with the next month', () => {
    let now = new Date(2024, 0, 31, 23, 59, 59, 999).getTime();
    const ids = new UniqueIdGenerator({ address: '10.0.0.1', pid: 1, instance: 2, now: () => now });
    const last = ids.next();
    now += 1;
    expect(ids.next().slice(20, 28)).toBe('00000000');
    // Read in February, an id of late January is one of the month before.
    expect(uniqueIdTime(last, now + 1000)).toBe(now - 1);
  });

  it('survive a clock that is set back into the month before', () => {
    let now = new Date(2024, 1, 1).getTime();
    const ids = new UniqueIdGenerator({ address: '10.0.0.1', pid: 1, instance: 2, now: () => now });
    ids.next();
    now -= 500;
    expect(ids.next().slice(20, 28)).toBe('00000000');
  });

  it('need an IP address', () => {
    expect(() => new UniqueIdGenerator({ address: 'localhost', pid: 1, instance: 2 })).toThrow(ConfigurationError);
  });
});
