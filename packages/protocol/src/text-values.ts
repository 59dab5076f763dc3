/** How header fields spell numbers and booleans, as Java reads them. */

import { charCode } from './char-code.js';

const LONG_LIMIT = 2 ** 63;

/** Decimal digits with an optional sign, as Java's `Long.parseLong`; NaN for anything else, also beyond 64 bits. */
export function parseInteger(text: string): number {
  const length = text.length;
  const first = charCode(text, 0);
  const signed = first === 45 || first === 43;
  let i = signed ? 1 : 0;
  if (i >= length || length > 25) return Number.NaN;
  let value = 0;
  for (; i < length; i++) {
    const digit = charCode(text, i) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  // Beyond 15 digits the sum above has rounding errors; the native conversion has none.
  if (length > 15) value = Math.abs(Number(text));
  // As a double, the largest long equals 2^63, which is none.
  if (value >= LONG_LIMIT && !isLong(BigInt(text.replace('+', '')))) return Number.NaN;
  return first === 45 && value !== 0 ? -value : value;
}

const isLong = (value: bigint): boolean => value === BigInt.asIntN(64, value);

/** `true` in any case, as Java's `Boolean.parseBoolean`. */
export function parseBoolean(text: string): boolean {
  return text === 'true' || (text.length === 4 && text.toLowerCase() === 'true');
}

/** NaN: absent, or no 32-bit integer. */
export function parseInt32(text: string | undefined): number {
  const value = text === undefined ? Number.NaN : parseInteger(text);
  return value === (value | 0) ? value : Number.NaN;
}

/** NaN: absent, or not a safe integer. */
export function parseSafeInteger(text: string | undefined): number {
  const value = text === undefined ? Number.NaN : parseInteger(text);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}
