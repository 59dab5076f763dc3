import { describe, expect, it } from '@jest/globals';
import { ProtocolError } from '@rocketnest/protocol';
import { DEFAULT_MAX_FRAME_BYTES, FrameDecoder } from '../src/frame-decoder.js';
import { pieces, randomSizes } from './support.js';

function framed(content: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(content.length);
  return Buffer.concat([length, content]);
}

const contents = ['a', '', 'bc'.repeat(300), '中文', 'x'.repeat(70_000), ''].map((text) => Buffer.from(text));
const stream = Buffer.concat(contents.map(framed));

function decode(chunks: readonly Buffer[], decoder = new FrameDecoder()): string[] {
  const frames: string[] = [];
  for (const chunk of chunks) decoder.push(chunk, (frame) => frames.push(frame.toString()));
  expect(decoder.bufferedBytes).toBe(0);
  return frames;
}

describe('FrameDecoder', () => {
  const expected = contents.map((content) => content.toString());

  it('cuts a chunk with several frames', () => {
    expect(decode([stream])).toEqual(expected);
  });

  it('cuts the same frames when bytes arrive one by one', () => {
    expect(decode(pieces(stream, [1]))).toEqual(expected);
  });

  it.each(Array.from({ length: 50 }, (_, seed) => seed + 1))(
    'cuts the same frames at random splits, seed %i',
    (seed) => {
      expect(decode(pieces(stream, randomSizes(seed, 40, seed % 2 ? 9 : 30_000)))).toEqual(expected);
    },
  );

  it('cuts the same frames at each single split', () => {
    const short = Buffer.concat(['a', 'bc', '', 'def'].map((text) => framed(Buffer.from(text))));
    for (let at = 1; at < short.length; at++) {
      expect(decode([short.subarray(0, at), short.subarray(at)])).toEqual(['a', 'bc', '', 'def']);
    }
  });

  it('hands out a slice, not a copy, when a frame lies inside a chunk', () => {
    const chunk = Buffer.concat([framed(Buffer.from('one')), framed(Buffer.from('two'))]);
    new FrameDecoder().push(chunk, (frame) => expect(frame.buffer).toBe(chunk.buffer));
  });

  it('accepts a frame of exactly the limit and refuses one byte more, before its content arrives', () => {
    const decoder = new FrameDecoder({ maxFrameBytes: 20 });
    expect(decode([framed(Buffer.alloc(16))], decoder)).toHaveLength(1);
    const tooLong = Buffer.from([0, 0, 0, 17]);
    expect(() => decoder.push(tooLong, () => {})).toThrow(ProtocolError);
    expect(() => new FrameDecoder({ maxFrameBytes: 20 }).push(tooLong, () => {})).toThrow(/17 is not in 0\.\.16/);
  });

  it('refuses a negative length', () => {
    expect(() => new FrameDecoder().push(Buffer.from([0xff, 0xff, 0xff, 0xff]), () => {})).toThrow(/length -1/);
  });

  it('refuses what other protocols begin with', () => {
    for (const greeting of ['GET / HTTP/1.1\r\n', 'PRI * HTTP/2.0\r\n', '\x16\x03\x01\x02\x00']) {
      expect(() => new FrameDecoder().push(Buffer.from(greeting, 'latin1'), () => {})).toThrow(ProtocolError);
    }
  });

  it('hands out the frames before a bad length', () => {
    const frames: string[] = [];
    const chunk = Buffer.concat([framed(Buffer.from('good')), Buffer.from([0x7f, 0, 0, 0])]);
    expect(() => new FrameDecoder().push(chunk, (frame) => frames.push(frame.toString()))).toThrow(ProtocolError);
    expect(frames).toEqual(['good']);
  });

  it("has Apache's limit by default", () => {
    expect(DEFAULT_MAX_FRAME_BYTES).toBe(16_777_216);
  });
});
