/**
 * Fields of request and response headers.
 *
 * On the wire a header is a map of texts (`extFields`). A field table says for every name how its text is read and
 * written; the TypeScript types of a request are derived from the same table. Names are Java's, verbatim.
 *
 * ```ts
 * const fields = fieldTable({ topic: field.string(), queueId: field.int(), committed: field.bool().default(true) });
 * encodeFields(fields, { topic: 'orders', queueId: 3 });          // { topic: 'orders', queueId: '3' }
 * decodeFields(fields, { topic: 'orders', queueId: '3' }, 'X');    // { topic: 'orders', queueId: 3, committed: true }
 * ```
 *
 * Source of truth: `RemotingCommand.makeCustomHeaderToNet` and `decodeCommandCustomHeader` (rocketmq-remoting).
 */

import { ProtocolError } from './errors.js';
import { parseBoolean, parseInteger } from './text-values.js';

export type FieldKind = 'string' | 'int' | 'long' | 'bool';
export type FieldPresence = 'required' | 'optional' | 'default';

type Scalar = string | number | boolean;

/** How one field is spelled. Made by {@link field}. */
export class Field<T extends Scalar, P extends FieldPresence = 'required'> {
  constructor(
    readonly kind: FieldKind,
    readonly presence: P,
    readonly defaultValue: T | undefined,
  ) {}

  /** The field may be missing (Java: a nullable box); it is then absent in the decoded value. */
  optional(): Field<T, 'optional'> {
    return new Field<T, 'optional'>(this.kind, 'optional', undefined);
  }

  /** The field may be missing and then has this value (Java: a primitive, or an initialised member). */
  default(value: T): Field<T, 'default'> {
    return new Field<T, 'default'>(this.kind, 'default', value);
  }
}

/**
 * Field types:
 * - `string` any text
 * - `int` 32 bits signed
 * - `long` 64 bits signed; a value beyond ±(2^53−1) is read as ±(2^53−1): Java uses `Long.MAX_VALUE` for "no limit"
 * - `bool` `true` in any case is true, everything else false (as Java's `Boolean.parseBoolean`)
 */
export const field = {
  string: () => new Field<string>('string', 'required', undefined),
  int: () => new Field<number>('int', 'required', undefined),
  long: () => new Field<number>('long', 'required', undefined),
  bool: () => new Field<boolean>('bool', 'required', undefined),
} as const;

export type FieldMap = Readonly<Record<string, Field<Scalar, FieldPresence>>>;

// biome-ignore lint/complexity/noBannedTypes: the empty table's value type
type Flatten<T> = T extends infer O ? { [K in keyof O]: O[K] } : {};
type KeysWith<M extends FieldMap, P extends FieldPresence> = {
  [K in keyof M]: M[K] extends Field<infer _T, infer Q> ? (Q extends P ? K : never) : never;
}[keyof M];
type ValueOf<F> = F extends Field<infer T, infer _P> ? T : never;

/** What decoding gives: optional fields may be absent, fields with a default never are. */
export type DecodedFields<M extends FieldMap> = Flatten<
  { [K in KeysWith<M, 'required' | 'default'>]: ValueOf<M[K]> } & {
    [K in KeysWith<M, 'optional'>]?: ValueOf<M[K]> | undefined;
  }
>;

/** What encoding takes: fields with a default may be left out. */
export type FieldInput<M extends FieldMap> = Flatten<
  { [K in KeysWith<M, 'required'>]: ValueOf<M[K]> } & {
    [K in KeysWith<M, 'optional' | 'default'>]?: ValueOf<M[K]> | null | undefined;
  }
>;

export interface FieldEntry {
  /** Name in TypeScript and in Java's header class. */
  readonly name: string;
  /** Name in `extFields`; differs only in the V2 send header (`a` … `n`). */
  readonly wireName: string;
  readonly kind: FieldKind;
  readonly presence: FieldPresence;
  readonly defaultValue: Scalar | undefined;
}

export interface FieldTable<M extends FieldMap> {
  readonly fields: M;
  /** The same fields prepared for a plain loop; the order is the order of the table. */
  readonly entries: readonly FieldEntry[];
  /** Reads and writes values of `M`; a table of any fields stands for every table, which its type could not. */
  readonly codec?: FieldCodec<FieldMap> | undefined;
}

/**
 * The usual case of a table that every message needs, written out: properties that the code names take a fifth of the time that a loop over
 * names takes. Both functions may leave a case to the loop, and have to leave it everything that is wrong: they return undefined then.
 */
export interface FieldCodec<M extends FieldMap> {
  /** Absent fields may be there and undefined. */
  decode?(texts: Readonly<Record<string, string | undefined>>): DecodedFields<M> | undefined;
  encode?(values: FieldInput<M>): Record<string, string> | undefined;
}

/** Prepares a table. `wireNames` renames fields on the wire; a field that is not named there keeps its name. */
export function fieldTable<M extends FieldMap>(
  fields: M,
  wireNames?: Readonly<Partial<Record<keyof M & string, string>>>,
  codec?: FieldCodec<M>,
): FieldTable<M> {
  const entries = Object.entries(fields).map(([name, { kind, presence, defaultValue }]) => ({
    name,
    wireName: wireNames?.[name] ?? name,
    kind,
    presence,
    defaultValue,
  }));
  return Object.freeze({ fields, entries: Object.freeze(entries), codec: codec as FieldCodec<FieldMap> | undefined });
}

/**
 * Writes values as texts. `undefined` and `null` are left out.
 * @throws ProtocolError when a required field is missing or a number is not an integer in range
 */
export function encodeFields<M extends FieldMap>(
  table: FieldTable<M>,
  values: FieldInput<M>,
  what = 'header',
): Record<string, string> {
  const written = table.codec?.encode?.(values as FieldInput<FieldMap>);
  if (written !== undefined) return written;
  const given = values as Readonly<Record<string, Scalar | null | undefined>>;
  const result: Record<string, string> = {};
  const entries = table.entries;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    const value = given[entry.name];
    if (value === undefined || value === null) {
      if (entry.presence === 'required') throw missing(what, entry);
      continue;
    }
    if ((entry.kind === 'int' || entry.kind === 'long') && !inRange(entry.kind, value)) {
      throw malformed(what, entry, value);
    }
    result[entry.wireName] = typeof value === 'string' ? value : String(value);
  }
  return result;
}

/**
 * Reads texts into values. Fields that the table does not know are ignored here and stay in `command.extFields`.
 * @param what names the request in errors, e.g. `SEND_MESSAGE_V2`
 * @throws ProtocolError naming request, field and value when a required field is missing or a number is malformed
 */
export function decodeFields<M extends FieldMap>(
  table: FieldTable<M>,
  extFields: Readonly<Record<string, string>>,
  what: string,
): DecodedFields<M> {
  const read = table.codec?.decode?.(extFields);
  if (read !== undefined) return read as DecodedFields<M>;
  const result: Record<string, Scalar | undefined> = {};
  const entries = table.entries;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    const text = extFields[entry.wireName];
    if (text === undefined) {
      if (entry.presence === 'required') throw missing(what, entry);
      if (entry.presence === 'default') result[entry.name] = entry.defaultValue;
      continue;
    }
    switch (entry.kind) {
      case 'string':
        result[entry.name] = text;
        break;
      case 'bool':
        result[entry.name] = parseBoolean(text);
        break;
      default: {
        const value = parseInteger(text);
        if (Number.isNaN(value) || (entry.kind === 'int' && value !== (value | 0))) throw malformed(what, entry, text);
        result[entry.name] =
          value > Number.MAX_SAFE_INTEGER
            ? Number.MAX_SAFE_INTEGER
            : value < Number.MIN_SAFE_INTEGER
              ? Number.MIN_SAFE_INTEGER
              : value;
      }
    }
  }
  return result as DecodedFields<M>;
}

function inRange(kind: 'int' | 'long', value: Scalar): boolean {
  if (typeof value !== 'number') return false;
  return kind === 'int' ? value === (value | 0) : Number.isSafeInteger(value);
}

function missing(what: string, entry: FieldEntry): ProtocolError {
  return new ProtocolError(`${what}: field ${label(entry)} is missing`, {
    context: { request: what, field: entry.name },
  });
}

function malformed(what: string, entry: FieldEntry, value: unknown): ProtocolError {
  const shown = JSON.stringify(String(value).slice(0, 64));
  const limit = entry.kind === 'int' ? 'a 32-bit integer' : 'a 64-bit integer (written exactly only within ±(2^53−1))';
  return new ProtocolError(`${what}: field ${label(entry)} is ${shown}, expected ${limit}`, {
    context: { request: what, field: entry.name, value: shown },
  });
}

function label(entry: FieldEntry): string {
  return entry.wireName === entry.name ? entry.name : `${entry.name} (${entry.wireName})`;
}
