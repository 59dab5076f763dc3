/**
 * Shapes of JSON bodies: what fields a Java class has and how each is read and written. A body is one table of fields;
 * its TypeScript type, its parser and its writer are derived from it.
 *
 * Reading is as tolerant as fastjson: numbers may be texts, enums may be ordinals, null is absent, unknown fields are dropped.
 * Writing is fastjson's spelling: fields in alphabetical order, nothing for null, no spaces.
 */

import { ProtocolError } from '../errors.js';
import { KeyedEntries, parseFastjson } from '../json.js';

export type Presence = 'required' | 'optional' | 'default';

/**
 * How one value is read (as `T`) and written (from `W`, which may be looser: read-only, defaults left out).
 * `absent` is what a missing field with a default reads as.
 */
export interface Shape<T, P extends Presence = 'required', W = T> {
  readonly presence: P;
  readonly absent: (() => T) | undefined;
  /** @throws ProtocolError naming `path` */
  readonly read: (value: unknown, path: string) => T;
  readonly write: (value: W) => string;
}

/** Whatever is read, and written from; the types of the single fields are recovered by inference. */
export type Fields = Readonly<Record<string, Shape<unknown, Presence, never>>>;

type ReadOf<S> = S extends Shape<infer T, infer _P, infer _W> ? T : never;
type WriteOf<S> = S extends Shape<infer _T, infer _P, infer W> ? W : never;
type KeysWith<F extends Fields, P extends Presence> = {
  [K in keyof F]: F[K]['presence'] extends P ? K : never;
}[keyof F];

/** What parsing gives: fields with a default are always there. */
export type Parsed<F extends Fields> = {
  -readonly [K in KeysWith<F, 'required' | 'default'>]: ReadOf<F[K]>;
} & { -readonly [K in KeysWith<F, 'optional'>]?: ReadOf<F[K]> | undefined };

/** What writing takes: fields with a default may be left out; Java then uses its own default, which is the same. */
export type Writable<F extends Fields> = {
  readonly [K in KeysWith<F, 'required'>]: WriteOf<F[K]>;
} & { readonly [K in KeysWith<F, 'optional' | 'default'>]?: WriteOf<F[K]> | null | undefined };

function shape<T, W = T>(
  read: (value: unknown, path: string) => T,
  write: (value: W) => string,
): Shape<T, 'required', W> {
  return { presence: 'required', absent: undefined, read, write };
}

function wrong(path: string, value: unknown, expected: string): ProtocolError {
  const shown = JSON.stringify(value)?.slice(0, 64);
  return new ProtocolError(`${path} is ${shown}, expected ${expected}`, { context: { path, value: shown } });
}

export const str: Shape<string> = shape((value, path) => {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw wrong(path, value, 'a text');
}, JSON.stringify);

/** A 64-bit integer; beyond ±(2^53−1) it reads as that limit. */
export const long: Shape<number> = shape((value, path) => {
  const number = typeof value === 'string' && /^-?\d{1,19}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) throw wrong(path, value, 'an integer');
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, number));
}, String);

export const int: Shape<number> = shape((value, path) => {
  const number = long.read(value, path);
  if (number !== (number | 0)) throw wrong(path, value, 'a 32-bit integer');
  return number;
}, String);

export const double: Shape<number> = shape((value, path) => {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || Number.isNaN(number)) throw wrong(path, value, 'a number');
  return number;
}, JSON.stringify);

export const bool: Shape<boolean> = shape((value, path) => {
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === 1) return true;
  if (value === 'false' || value === 0) return false;
  throw wrong(path, value, 'true or false');
}, String);

/** A Java enum: written by name, read by name or ordinal. */
export function oneOf<const N extends string>(names: readonly N[]): Shape<N> {
  return shape(
    (value, path) => {
      const name = typeof value === 'number' ? names[value] : names.find((each) => each === value);
      if (name === undefined) throw wrong(path, value, `one of ${names.join(', ')}`);
      return name;
    },
    (value) => JSON.stringify(value),
  );
}

/** Carried along without looking inside (static topics' queue mappings). */
export const raw: Shape<unknown> = shape((value) => value, JSON.stringify);

/** A list or set; nulls in it are skipped. */
export function list<T, W>(item: Shape<T, Presence, W>): Shape<T[], 'required', readonly W[]> {
  return shape(
    (value, path) => {
      if (!Array.isArray(value)) throw wrong(path, value, 'a list');
      return value.flatMap((each, index) => (each === null ? [] : [item.read(each, `${path}[${index}]`)]));
    },
    (values) => `[${values.map(item.write).join(',')}]`,
  );
}

/** A map with text keys; nulls in it are skipped. */
export function record<T, W>(
  item: Shape<T, Presence, W>,
): Shape<Record<string, T>, 'required', Readonly<Record<string, W>>> {
  return shape(
    (value, path) =>
      Object.fromEntries(
        entriesOf(value, path).flatMap(([key, each]) =>
          each === null ? [] : [[key, item.read(each, `${path}.${key}`)]],
        ),
      ),
    (values) => writeObject(Object.entries(values), item.write),
  );
}

/** A map with integer keys: written with quotes, as standard JSON has it; Java reads both. */
export function byNumber<T, W>(
  item: Shape<T, Presence, W>,
): Shape<Record<number, T>, 'required', Readonly<Record<number, W>>> {
  const texts = record(item);
  return shape((value, path) => {
    const parsed = texts.read(value, path);
    for (const key in parsed) if (!/^-?\d+$/.test(key)) throw wrong(path, key, 'integers as keys');
    return parsed;
  }, texts.write);
}

/** A queue of a topic on one broker. Java: `MessageQueue`. */
export const messageQueueFields = { brokerName: str, queueId: int, topic: str };
export type MessageQueue = Parsed<typeof messageQueueFields>;
export const messageQueue = object(messageQueueFields);

/** A Java map from queue to offset. */
export const queueOffsets = queueMap(
  long,
  (queue, offset) => ({ queue, offset }),
  ({ offset }: { readonly queue: Readonly<MessageQueue>; readonly offset: number }) => offset,
);

/** A Java map from queue to an object, whose fields stand beside `queue`. */
export function byQueue<F extends Fields>(
  fields: F,
): Shape<
  ({ queue: MessageQueue } & Parsed<F>)[],
  'required',
  readonly ({ readonly queue: Readonly<MessageQueue> } & Writable<F>)[]
> {
  return queueMap(
    object(fields),
    (queue, value) => ({ queue, ...value }),
    (entry: { readonly queue: Readonly<MessageQueue> } & Writable<F>) => entry,
  );
}

function queueMap<T, W, E, I extends { readonly queue: Readonly<MessageQueue> }>(
  item: Shape<T, 'required', W>,
  join: (queue: MessageQueue, value: T) => E,
  pick: (entry: I) => W,
): Shape<E[], 'required', readonly I[]> {
  return shape(
    (value, path) => {
      if (!(value instanceof KeyedEntries)) {
        if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) return [];
        throw wrong(path, value, 'a map with queues as keys');
      }
      return value.entries.map(([key, each], index) => {
        const at = `${path}[${index}]`;
        return join(messageQueue.read(key, at), item.read(each, at));
      });
    },
    (entries) =>
      `{${entries.map((entry) => `${messageQueue.write(entry.queue)}:${item.write(pick(entry))}`).join(',')}}`,
  );
}

/** A Java bean. */
export function object<F extends Fields>(fields: F): Shape<Parsed<F>, 'required', Writable<F>> {
  const names = Object.keys(fields).sort();
  return shape(
    (value, path) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof KeyedEntries) {
        throw wrong(path, value, 'an object');
      }
      const source = value as Record<string, unknown>;
      const result: Record<string, unknown> = {};
      for (const name of names) {
        const field = fields[name]!;
        const given = Object.hasOwn(source, name) ? source[name] : undefined;
        if (given !== undefined && given !== null) result[name] = field.read(given, `${path}.${name}`);
        else if (field.absent !== undefined) result[name] = field.absent();
        else if (field.presence === 'required')
          throw new ProtocolError(`${path}.${name} is missing`, { context: { path } });
      }
      return result as Parsed<F>;
    },
    (value) => {
      // Writable<F> has what each field writes; `never` is what all of them take.
      const source = value as Readonly<Record<string, never>>;
      let text = '';
      for (const name of names) {
        const given = source[name];
        if (given === undefined || given === null) continue;
        text += `${text === '' ? '' : ','}"${name}":${fields[name]!.write(given)}`;
      }
      return `{${text}}`;
    },
  );
}

/** May be missing and then is absent in the parsed value. */
export function optional<T, W>(item: Shape<T, 'required', W>): Shape<T, 'optional', W> {
  return { ...item, presence: 'optional' };
}

/** May be missing and then has this value. */
export function withDefault<T, W>(item: Shape<T, 'required', W>, value: NoInfer<T>): Shape<T, 'default', W> {
  return { ...item, presence: 'default', absent: () => value };
}

/** A list that is empty when missing. */
export function listOrEmpty<T, W>(item: Shape<T, Presence, W>): Shape<T[], 'default', readonly W[]> {
  return { ...list(item), presence: 'default', absent: () => [] };
}

/** A collection of any shape that is empty when missing. */
export function orEmpty<T extends object, W>(item: Shape<T, 'required', W>): Shape<T, 'default', W> {
  return { ...item, presence: 'default', absent: () => item.read({}, '') };
}

/** Parser and writer of a body whose Java class has these fields. */
export interface BodyCodec<F extends Fields> {
  readonly encode: (value: Writable<F>) => Buffer;
  /** @throws ProtocolError naming what is malformed */
  readonly parse: (body: Buffer | null) => Parsed<F>;
}

/** `name` (Java's class) begins the paths in errors. */
export function bodyCodec<F extends Fields>(name: string, fields: F): BodyCodec<F> {
  const root = object(fields);
  return {
    encode: (value) => Buffer.from(root.write(value)),
    parse: (body) => {
      if (body === null || body.length === 0) throw new ProtocolError(`${name}: the body is empty`);
      return root.read(parseFastjson(body.toString('utf8')), name);
    },
  };
}

function entriesOf(value: unknown, path: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof KeyedEntries) {
    throw wrong(path, value, 'a map');
  }
  return Object.entries(value);
}

function writeObject<T>(entries: readonly (readonly [string, T])[], write: (value: T) => string): string {
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${write(value)}`).join(',')}}`;
}

/** Parser of a body that is a list of beans; nothing is an empty list, as Java's admin tools take it. */
export function listParser<F extends Fields>(name: string, fields: F): (body: Buffer | null) => Parsed<F>[] {
  const root = list(object(fields));
  return (body) => (body === null || body.length === 0 ? [] : root.read(parseFastjson(body.toString('utf8')), name));
}
