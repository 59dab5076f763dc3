/**
 * Cuts a buffer into pieces of the given sizes, which repeat until the buffer ends: `[1]` is byte by byte, `[3, 100]` alternates. The
 * pieces are copies, as they would be from a socket.
 */
export function splitChunks(buffer: Buffer, sizes: readonly number[]): Buffer[] {
  if (sizes.length === 0 || sizes.some((size) => !Number.isInteger(size) || size < 1)) {
    throw new RangeError(`sizes must be whole numbers from 1, got [${sizes}]`);
  }
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < buffer.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    chunks.push(Buffer.from(buffer.subarray(at, at + size)));
    at += size;
  }
  return chunks;
}

/** Sizes for {@link splitChunks}, 1 to `maxSize`, the same for the same seed (mulberry32). */
export function randomSizes(seed: number, count: number, maxSize: number): number[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return 1 + (((mixed ^ (mixed >>> 14)) >>> 0) % maxSize);
  });
}
