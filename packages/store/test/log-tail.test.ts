import { describe, expect, it } from '@jest/globals';
import { LogTail } from '../src/log-tail.js';

const MIB = 1024 * 1024;

function append(tail: LogTail, offset: number, text: string): void {
  const chunk = tail.reserve(offset, text.length);
  chunk.buffer.write(text, chunk.length);
  chunk.length += text.length;
}

describe('log tail', () => {
  it('finds what was appended, as slices, and nothing else', () => {
    const tail = new LogTail(4 * MIB);
    append(tail, 100, 'abc');
    append(tail, 103, 'defg');
    expect(tail.start).toBe(100);
    expect(tail.find(100, 7)?.toString()).toBe('abcdefg');
    expect(tail.find(103, 4)?.toString()).toBe('defg');
    expect(tail.find(99, 2)).toBeNull();
    expect(tail.find(105, 3)).toBeNull();
    expect(tail.find(500, 1)).toBeNull();
  });

  it('never spreads a message over two chunks, and takes messages larger than a chunk', () => {
    const tail = new LogTail(64 * MIB);
    append(tail, 0, 'x'.repeat(MIB - 10));
    append(tail, MIB - 10, 'y'.repeat(20));
    append(tail, MIB + 10, 'z'.repeat(3 * MIB));
    expect(tail.find(MIB - 10, 20)?.toString()).toBe('y'.repeat(20));
    expect(tail.find(MIB + 10, 3 * MIB)?.length).toBe(3 * MIB);
  });

  it('goes on at another place after the end of a file', () => {
    const tail = new LogTail(4 * MIB);
    append(tail, 0, 'blank---');
    append(tail, 1000, 'next');
    expect(tail.find(1000, 4)?.toString()).toBe('next');
    expect(tail.find(8, 1)).toBeNull();
  });

  it('drops old chunks beyond its limit, but nothing that is not written, and slices stay valid', () => {
    const tail = new LogTail(2 * MIB);
    for (let i = 0; i < 5; i++) append(tail, i * MIB, String(i).repeat(MIB));
    const slice = tail.find(0, 5)!;
    tail.trim(1.5 * MIB);
    expect(tail.start).toBe(MIB);
    tail.trim(5 * MIB);
    expect(tail.start).toBe(3 * MIB);
    expect(tail.find(0, 5)).toBeNull();
    expect(slice.toString()).toBe('00000');
  });

  it('writes again to memory that nobody has read, and never to memory of which somebody has a slice', () => {
    const tail = new LogTail(2 * MIB);
    const memories: Buffer[] = [];
    let slice: Buffer | null = null;
    for (let i = 0; i < 8; i++) {
      const chunk = tail.reserve(i * MIB, MIB);
      chunk.buffer.fill(String(i));
      chunk.length = MIB;
      memories.push(chunk.buffer);
      if (i === 2) slice = tail.find(2 * MIB + 7, 5);
      tail.trim((i + 1) * MIB);
    }
    const [first, second, read, fresh] = [0, 1, 2, 5].map((i) => memories[i]!);
    const order = memories.map((memory) => [first, second, read, fresh].indexOf(memory));
    expect(order).toEqual([0, 1, 2, 0, 1, 3, 0, 1]);
    expect(slice!.toString()).toBe('22222');
  });
});
