/** Standard output: one JSON object per line, its event first. */
export function print(event: string, fields: object = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

/** The `key=value` words of a command line. */
export class Words {
  readonly #values: ReadonlyMap<string, string>;

  constructor(words: readonly string[]) {
    this.#values = new Map(
      words.map((word) => {
        const at = word.indexOf('=');
        if (at < 1) throw new Error(`expected key=value, got ${word}`);
        return [word.slice(0, at), word.slice(at + 1)];
      }),
    );
  }

  /** @throws {Error} when it is missing and has no default */
  text(key: string, ifAbsent?: string): string {
    const value = this.#values.get(key) ?? ifAbsent;
    if (value === undefined) throw new Error(`${key}=… is missing`);
    return value;
  }

  number(key: string, ifAbsent?: number): number {
    return Number(this.text(key, ifAbsent === undefined ? undefined : String(ifAbsent)));
  }
}
