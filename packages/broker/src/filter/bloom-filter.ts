/** The bits of one filter in the bit maps that Apache can store with each consume queue entry (`BloomFilterData`). */
export interface BloomBits {
  readonly bitPos: readonly number[];
  readonly bitNum: number;
}

/**
 * Which bits belong to a consumer's filter (`BloomFilter`). This broker writes no bit maps, but keeps the positions in
 * `consumerFilter.json`: Apache throws the whole file away when they do not fit its own settings.
 */
export class BloomFilter {
  /** Positions per text. Java: `k`. */
  readonly hashes: number;
  /** Length of a bit map. Java: `m`. */
  readonly bits: number;

  /**
   * @param errorRate in percent, 1 to 99
   * @param expected how many texts share a bit map, at least 1
   */
  constructor(errorRate: number, expected: number) {
    const rate = errorRate / 100;
    this.hashes = Math.ceil(logOf(0.5, rate));
    this.bits = 8 * Math.ceil(Math.ceil(expected * logOf(2, 1 / rate) * logOf(2, Math.E)) / 8);
  }

  bitsOf(text: string): BloomBits {
    const hash = murmur3(Buffer.from(text));
    const low = Number(BigInt.asIntN(32, hash));
    const high = Number(BigInt.asIntN(32, hash >> 32n));
    const bitPos: number[] = [];
    for (let i = 1; i <= this.hashes; i++) {
      const combined = (low + Math.imul(i, high)) | 0;
      bitPos.push((combined < 0 ? ~combined : combined) % this.bits);
    }
    return { bitPos, bitNum: this.bits };
  }

  /** Whether bits were made with the same settings. */
  isValid(data: BloomBits | null | undefined): boolean {
    return data?.bitNum === this.bits && data.bitPos?.length === this.hashes;
  }
}

const logOf = (base: number, value: number): number => Math.log(value) / Math.log(base);

const C1 = 0x87c37b91114253d5n;
const C2 = 0x4cf5ad432745937fn;
const word = (value: bigint): bigint => BigInt.asUintN(64, value);
const rotate = (value: bigint, by: bigint): bigint => word((value << by) | (value >> (64n - by)));

/** The first 64 bits of MurmurHash3 x64 128 with seed 0 (Guava: `Hashing.murmur3_128().hashBytes(…).asLong()`). */
function murmur3(data: Buffer): bigint {
  const mix1 = (k: bigint): bigint => word(rotate(word(k * C1), 31n) * C2);
  const mix2 = (k: bigint): bigint => word(rotate(word(k * C2), 33n) * C1);
  let h1 = 0n;
  let h2 = 0n;
  const whole = data.length - (data.length % 16);
  for (let at = 0; at < whole; at += 16) {
    h1 ^= mix1(data.readBigUInt64LE(at));
    h1 = word(word(rotate(h1, 27n) + h2) * 5n + 0x52dce729n);
    h2 ^= mix2(data.readBigUInt64LE(at + 8));
    h2 = word(word(rotate(h2, 31n) + h1) * 5n + 0x38495ab5n);
  }
  const tail = Buffer.alloc(16);
  data.copy(tail, 0, whole);
  h1 ^= mix1(tail.readBigUInt64LE(0));
  h2 ^= mix2(tail.readBigUInt64LE(8));
  const length = BigInt(data.length);
  h1 = word((h1 ^ length) + (h2 ^ length));
  h2 = word(h1 + (h2 ^ length));
  return word(avalanche(h1) + avalanche(h2));
}

function avalanche(given: bigint): bigint {
  let value = given;
  value = word((value ^ (value >> 33n)) * 0xff51afd7ed558ccdn);
  value = word((value ^ (value >> 33n)) * 0xc4ceb9fe1a85ec53n);
  return value ^ (value >> 33n);
}
