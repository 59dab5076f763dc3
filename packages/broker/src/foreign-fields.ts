import { parseFastjson } from '@rocketnest/protocol';

type Json = { [field: string]: unknown };

/**
 * Fields of a JSON file that this broker does not know, for example of a later Apache: read with the file, written back with
 * it. A field of something that is gone (a deleted topic) goes with it.
 */
export class ForeignFields {
  private fields: readonly (readonly [path: readonly string[], value: unknown])[] = [];

  /**
   * @param read what the file says
   * @param known the same as this broker would write it: what is only in `read` is foreign
   */
  remember(read: string, known: string): void {
    this.fields = [...missing(parseFastjson(read), JSON.parse(known), [])];
  }

  /** The text with the foreign fields; as it is when there are none. */
  addTo(text: string): string {
    if (this.fields.length === 0) return text;
    const written: unknown = JSON.parse(text);
    for (const [path, value] of this.fields) {
      const owner = path.slice(0, -1).reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), written);
      if (isObject(owner)) owner[path.at(-1)!] ??= value;
    }
    return JSON.stringify(written);
  }
}

/** What `read` has and `known` has not, at any depth of objects. Java's null says as much as no field. */
function* missing(read: unknown, known: unknown, path: readonly string[]): Iterable<[readonly string[], unknown]> {
  if (!isObject(read) || !isObject(known)) return;
  for (const [name, value] of Object.entries(read)) {
    if (Object.hasOwn(known, name)) yield* missing(value, known[name], [...path, name]);
    else if (value !== null) yield [[...path, name], value];
  }
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
