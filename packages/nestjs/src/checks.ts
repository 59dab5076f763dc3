import { ConfigurationError } from '@rocketnest/client';

/**
 * One row of an option table: what a value must be, and how text from a placeholder (`'${orders.threads:20}'`) becomes one.
 */
export interface Check {
  /** What an acceptable value is, in words: "an integer from 1 to 64". */
  readonly expected: string;
  accepts(value: unknown): boolean;
  /** Turns resolved placeholder text into the option's type; text that does not fit is returned as it is and then refused. */
  fromText(text: string): unknown;
}

const keep = (text: string): unknown => text;

const check = (expected: string, accepts: (value: unknown) => boolean, fromText = keep): Check => ({
  expected,
  accepts,
  fromText,
});

/** Builders of the rows. */
export const must = {
  beText: check('a non-empty string', (value) => typeof value === 'string' && value.trim() !== ''),
  beBoolean: check(
    'true or false',
    (value) => typeof value === 'boolean',
    (text) => (text === 'true' ? true : text === 'false' ? false : text),
  ),
  beFunction: check('a function', (value) => typeof value === 'function'),
  beInteger: (min: number, max = Number.MAX_SAFE_INTEGER): Check =>
    check(
      max === Number.MAX_SAFE_INTEGER ? `an integer >= ${min}` : `an integer from ${min} to ${max}`,
      (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
      (text) => (/^\s*-?\d+\s*$/.test(text) ? Number(text) : text),
    ),
  beOneOf: (...values: readonly unknown[]): Check =>
    check(`one of ${values.map(show).join(', ')}`, (value) => values.includes(value)),
  beObjectWith: (...methods: readonly string[]): Check =>
    check(
      `an object with ${methods.map((method) => `${method}()`).join(', ')}`,
      (value) =>
        typeof value === 'object' &&
        value !== null &&
        methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function'),
    ),
  be: check,
};

/** A table of rows; a nested table is a nested object of options. */
export interface CheckTable {
  readonly [key: string]: Check | CheckTable;
}

const isCheck = (row: Check | CheckTable): row is Check => typeof (row as Partial<Check>).accepts === 'function';

/**
 * Checks `options` against `table`; `undefined` values count as absent.
 * @param path where the options were given, e.g. `RocketMQModule.forRoot`: the error names the key below it
 * @throws ConfigurationError naming the path of the bad key, what is expected and what was given
 */
export function checkOptions(path: string, options: unknown, table: CheckTable): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigurationError(`${path} must be an object, got ${show(options)}.`, { context: { path } });
  }
  for (const [key, value] of Object.entries(options)) {
    const row = Object.hasOwn(table, key) ? table[key] : undefined;
    if (row === undefined) {
      throw new ConfigurationError(
        `${path} has no option "${key}". Its options are: ${Object.keys(table).join(', ')}.`,
        {
          context: { path, key },
        },
      );
    }
    if (value === undefined) continue;
    if (isCheck(row)) checkValue(`${path}.${key}`, value, row);
    else checkOptions(`${path}.${key}`, value, row);
  }
}

/** @throws ConfigurationError when `value` is not what the row accepts */
export function checkValue(path: string, value: unknown, row: Check): void {
  if (row.accepts(value)) return;
  throw new ConfigurationError(`${path} must be ${row.expected}, got ${show(value)}.`, { context: { path } });
}

/** A short form of a value for error messages. */
export function show(value: unknown): string {
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (typeof value === 'string') return `'${value.length > 80 ? `${value.slice(0, 80)}…` : value}'`;
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}
