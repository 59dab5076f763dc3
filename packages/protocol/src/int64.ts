/** 64-bit integers as numbers. Values beyond ±(2^53−1) become that limit: no offset or time of a real system reaches it. */

const HIGH = 0x1_0000_0000;

export function readInt64(source: Buffer, at: number): number {
  const value = source.readInt32BE(at) * HIGH + source.readUInt32BE(at + 4);
  if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  if (value < Number.MIN_SAFE_INTEGER) return Number.MIN_SAFE_INTEGER;
  return value;
}

/** `value` must be a safe integer. Returns the position after it. */
export function writeInt64(value: number, target: Buffer, at: number): number {
  target.writeInt32BE(Math.floor(value / HIGH), at);
  return target.writeUInt32BE(value >>> 0, at + 4);
}
