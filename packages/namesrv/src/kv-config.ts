import { ConfigurationError } from '@rocketnest/protocol';
import { readText, writeText } from './files.js';

/** Namespace of the queue order of ordered topics: topic → `broker-a:4;broker-b:4` (Java: `NamesrvUtil`). */
export const ORDER_TOPIC_NAMESPACE = 'ORDER_TOPIC_CONFIG';

/**
 * Texts by namespace and key, kept in Apache's `kvConfig.json` (`{"configTable":{namespace:{key:value}}}`, Java:
 * `KVConfigManager`). Without a path it lives in memory.
 */
export class KvConfig {
  readonly #path: string | undefined;
  #tables = new Map<string, Map<string, string>>();
  #writing: Promise<void> = Promise.resolve();

  constructor(path?: string) {
    this.#path = path;
  }

  /** Reads the file, if it exists. Rejects with ConfigurationError when it is damaged, naming it. */
  async load(): Promise<void> {
    const text = this.#path === undefined ? null : await readText(this.#path);
    if (text === null) return;
    this.#tables = parse(text, this.#path!);
  }

  get(namespace: string, key: string): string | undefined {
    return this.#tables.get(namespace)?.get(key);
  }

  /** All keys of a namespace; undefined when it never had one. */
  list(namespace: string): Record<string, string> | undefined {
    const table = this.#tables.get(namespace);
    return table && Object.fromEntries(table);
  }

  /** Resolves when the change is in the file. */
  put(namespace: string, key: string, value: string): Promise<void> {
    const table = this.#tables.get(namespace) ?? new Map<string, string>();
    table.set(key, value);
    this.#tables.set(namespace, table);
    return this.#persist();
  }

  /** Resolves when the change is in the file. */
  delete(namespace: string, key: string): Promise<void> {
    this.#tables.get(namespace)?.delete(key);
    return this.#persist();
  }

  /** One write at a time, each with the newest state. */
  #persist(): Promise<void> {
    const path = this.#path;
    if (path === undefined) return Promise.resolve();
    const write = () => {
      const tables = [...this.#tables].map(([namespace, table]) => [namespace, Object.fromEntries(table)]);
      return writeText(path, JSON.stringify({ configTable: Object.fromEntries(tables) }));
    };
    const done = this.#writing.then(write);
    this.#writing = done.catch(() => {});
    return done;
  }
}

function parse(text: string, path: string): Map<string, Map<string, string>> {
  try {
    const { configTable = {} } = JSON.parse(text) as { configTable?: Record<string, Record<string, string>> };
    return new Map(
      Object.entries(configTable).map(([namespace, table]) => [namespace, new Map(Object.entries(table))]),
    );
  } catch (cause) {
    throw new ConfigurationError(
      `${path} is not a kvConfig.json: ${(cause as Error).message}; repair it, or put ${path}.bak in its place`,
      { cause, context: { path } },
    );
  }
}
