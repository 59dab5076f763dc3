/**
 * Values of SQL92 expressions and how Java compares them. Source of truth: `ComparisonExpression.__compare` and
 * `ConstantExpression` (rocketmq-filter). A message's properties are texts; literals are texts, booleans or numbers of
 * Java's three kinds, and a text that meets another kind is read as that kind.
 */

export type SqlNumber =
  | { readonly type: 'Integer'; readonly value: number }
  | { readonly type: 'Long'; readonly value: bigint }
  | { readonly type: 'Double'; readonly value: number };

export type SqlValue = string | boolean | SqlNumber | null;

/** A comparison that Java answers with an exception: the message does not match, whatever else the expression says. */
export class IncomparableError extends Error {}

export const isNumber = (value: SqlValue): value is SqlNumber => typeof value === 'object' && value !== null;

/** Digits of the greatest long, and the suffix `L`. */
const MAX_LONG_CHARS = 20;

/** Java: `ConstantExpression.createFromDecimal`. Undefined beyond 64 bits. */
export function decimalLiteral(text: string): SqlNumber | undefined {
  if (text.length > MAX_LONG_CHARS) return undefined;
  const value = BigInt(text.replace(/[lL]$/, ''));
  if (value !== BigInt.asIntN(64, value)) return undefined;
  return value === BigInt.asIntN(32, value) ? { type: 'Integer', value: Number(value) } : { type: 'Long', value };
}

/** Java: `ConstantExpression.createFloat`, which has no zero. Undefined outside of the positive doubles. */
export function floatLiteral(text: string): SqlNumber | undefined {
  const value = Number(text);
  return value > 0 && Number.isFinite(value) ? { type: 'Double', value } : undefined;
}

/** Java: `UnaryExpression.negate`. */
export function negate(number: SqlNumber): SqlNumber {
  if (number.type === 'Long') return { type: 'Long', value: BigInt.asIntN(64, -number.value) };
  if (number.type === 'Integer') return { type: 'Integer', value: -number.value | 0 };
  return { type: 'Double', value: -number.value };
}

/** Java's `equals`: kind and value. */
export function sameValue(left: SqlValue, right: SqlValue): boolean {
  if (isNumber(left) && isNumber(right)) return left.type === right.type && compareNumbers(left, right) === 0;
  return left === right;
}

/**
 * Less than, equal to or greater than 0, as `left` is less than, equal to or greater than `right`; -1 also when the two have
 * nothing in common.
 * @throws IncomparableError when a text cannot be read as the other side's kind, or a boolean stands left of a text
 */
export function compareValues(left: Exclude<SqlValue, null>, right: Exclude<SqlValue, null>): number {
  if (typeof left === 'string') {
    if (typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0;
    return typeof right === 'boolean'
      ? Number(left.toLowerCase() === 'true') - Number(right)
      : compareNumbers(readAs(right.type, left), right);
  }
  if (typeof left === 'boolean') {
    // Java casts the boolean to a text here, which it is not.
    if (typeof right === 'string') throw new IncomparableError(`${left} is compared with the text '${right}'`);
    return typeof right === 'boolean' ? Number(left) - Number(right) : -1;
  }
  if (typeof right === 'string') return compareNumbers(left, readAs(left.type, right));
  return typeof right === 'boolean' ? -1 : compareNumbers(left, right);
}

/**
 * For `<`, `<=`, `>`, `>=`: two texts are compared as numbers.
 * @throws IncomparableError also when a text is not a number
 */
export function compareOrdered(left: Exclude<SqlValue, null>, right: Exclude<SqlValue, null>): number {
  if (typeof left === 'string' && typeof right === 'string') return compareDoubles(readDouble(left), readDouble(right));
  return compareValues(left, right);
}

function compareNumbers(left: SqlNumber, right: SqlNumber): number {
  if (left.type === 'Double' || right.type === 'Double') return compareDoubles(Number(left.value), Number(right.value));
  return left.value < right.value ? -1 : left.value > right.value ? 1 : 0;
}

/** Java: `Double.compareTo`: NaN is the greatest and equals itself, -0.0 is less than 0.0. */
function compareDoubles(left: number, right: number): number {
  if (left < right) return -1;
  if (left > right) return 1;
  if (Object.is(left, right)) return 0;
  if (Number.isNaN(left)) return 1;
  return Number.isNaN(right) || Object.is(left, -0) ? -1 : 1;
}

/** Reads a text as Java's `valueOf` of the kind. */
function readAs(type: SqlNumber['type'], text: string): SqlNumber {
  if (type === 'Double') return { type, value: readDouble(text) };
  if (!/^[+-]?\d{1,64}$/.test(text)) throw notA(type, text);
  const value = BigInt(text.replace('+', ''));
  if (type === 'Integer' && value === BigInt.asIntN(32, value)) return { type, value: Number(value) };
  if (type === 'Long' && value === BigInt.asIntN(64, value)) return { type, value };
  throw notA(type, text);
}

const DECIMAL_DOUBLE = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?$/;
const HEX_DOUBLE = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?\d+)[fFdD]?$/;

/** Java: `Double.valueOf`. */
function readDouble(given: string): number {
  const text = trim(given);
  if (DECIMAL_DOUBLE.test(text)) return Number(text.replace(/[fFdD]$/, ''));
  const named = /^([+-]?)(NaN|Infinity)$/.exec(text);
  if (named !== null) return Number(named[2]) * (named[1] === '-' ? -1 : 1);
  const hex = HEX_DOUBLE.exec(text);
  if (hex === null || `${hex[2]}${hex[3]}` === '') throw notA('Double', given);
  const digits = Number.parseInt(`${hex[2]}${hex[3]}`, 16);
  return (hex[1] === '-' ? -1 : 1) * digits * 2 ** (Number(hex[4]) - 4 * hex[3]!.length);
}

/** Java's `trim`: everything up to the space goes, not only white space. */
function trim(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && text.charCodeAt(start) <= 0x20) start++;
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--;
  return text.slice(start, end);
}

const notA = (type: string, text: string): IncomparableError =>
  new IncomparableError(`the text '${text.slice(0, 64)}' is compared with a number, but is no ${type}`);
