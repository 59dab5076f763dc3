import { describe, expect, it } from '@jest/globals';
import {
  createResponse,
  encodeCommand,
  ProtocolError,
  type RemotingCommand,
  SerializeType,
} from '@rocketnest/protocol';
import { ChunkPool, Outgoing, type OutgoingBatch } from '../src/outgoing.js';
import { command, frame } from './support.js';

const bytesOf = ({ parts }: OutgoingBatch): Buffer => Buffer.concat(parts);
const response = (body: Buffer | Buffer[] | null, fields = {}): RemotingCommand =>
  createResponse({ opaque: 1, serializeType: SerializeType.JSON }, 0, null, fields, body);

describe('Outgoing', () => {
  it('gathers the frames of a turn in one part', () => {
    const outgoing = new Outgoing(new ChunkPool());
    const commands = [command(1), response(Buffer.from('body')), response([Buffer.from('in '), Buffer.from('two')])];
    for (const each of commands) outgoing.add(each);
    outgoing.addEncoded(encodeCommand(commands[1]!));
    const expected = Buffer.concat([...commands, commands[1]!].map(frame));
    expect(outgoing.bytes).toBe(expected.length);
    const batch = outgoing.take(false);
    expect(batch.parts).toHaveLength(1);
    expect(bytesOf(batch).equals(expected)).toBe(true);
    expect(outgoing.bytes).toBe(0);
  });

  it('puts large bodies between the small parts, not copied', () => {
    const outgoing = new Outgoing(new ChunkPool());
    const large = Buffer.alloc(9_000, 7);
    const commands = [command(1), response(large), response([Buffer.from('small'), large, Buffer.from('small')])];
    for (const each of commands) outgoing.add(each);
    const batch = outgoing.take(false);
    expect(batch.parts.filter((part) => part === large)).toHaveLength(2);
    expect(bytesOf(batch).equals(Buffer.concat(commands.map(frame)))).toBe(true);
  });

  it.each([1, 7, 300, 5_000, 8_192, 8_193, 30_000, 70_000])(
    'sends every byte in order over many chunks, with bodies and headers of %i bytes',
    (size) => {
      const outgoing = new Outgoing(new ChunkPool());
      const commands: RemotingCommand[] = [];
      for (let n = 0; n < 40; n++) {
        const body = Buffer.alloc(size, n);
        const serializeType = n % 2 === 0 ? SerializeType.JSON : SerializeType.ROCKETMQ;
        commands.push({ ...command(n, { n: `${n}`, text: n % 3 === 0 ? 'ü'.repeat(size) : '' }, body), serializeType });
      }
      for (const each of commands) outgoing.add(each);
      const expected = Buffer.concat(commands.map(frame));
      expect(outgoing.bytes).toBe(expected.length);
      expect(bytesOf(outgoing.take(false)).equals(expected)).toBe(true);
    },
  );

  it('uses the memory again that was given back, and no other', () => {
    const pool = new ChunkPool();
    const outgoing = new Outgoing(pool);
    outgoing.add(command(1));
    const first = outgoing.take(false);
    outgoing.add(command(2));
    const second = outgoing.take(false);
    expect(second.chunks[0]).not.toBe(first.chunks[0]);
    pool.give(first.chunks);
    outgoing.add(command(3));
    expect(outgoing.take(false).chunks[0]).toBe(first.chunks[0]);
    expect(bytesOf(second).equals(frame(command(2)))).toBe(true);
  });

  it('copies what goes to a socket that is behind, so that its chunk is free at once', () => {
    const pool = new ChunkPool();
    const outgoing = new Outgoing(pool);
    const large = Buffer.alloc(9_000, 7);
    outgoing.add(response(large));
    const batch = outgoing.take(true);
    expect(batch.chunks).toEqual([]);
    expect(batch.parts[1]).toBe(large);
    const other = new Outgoing(pool);
    for (let n = 0; n < 100; n++) other.add(command(n));
    expect(bytesOf(batch).equals(frame(response(large)))).toBe(true);
  });

  it('sends nothing of a command that cannot be encoded', () => {
    const outgoing = new Outgoing(new ChunkPool());
    outgoing.add(command(1));
    const wrong = { ...command(200_050, {}, Buffer.from('body')), serializeType: SerializeType.ROCKETMQ };
    expect(() => outgoing.add(wrong)).toThrow(ProtocolError);
    outgoing.add(command(2));
    expect(bytesOf(outgoing.take(false)).equals(Buffer.concat([frame(command(1)), frame(command(2))]))).toBe(true);
  });
});
