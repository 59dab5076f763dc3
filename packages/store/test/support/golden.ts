import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** Recorded from Apache 5.5.0, see fixtures/README.md. */
export interface GoldenStore {
  readonly files: Readonly<Record<string, string>>;
  readonly expected: readonly Record<string, unknown>[];
}

export function goldenStore(name: 'clean' | 'crashed'): GoldenStore {
  const path = join(process.cwd(), 'packages/store/test/fixtures/apache-5.5.0-stores.json.gz');
  return JSON.parse(gunzipSync(readFileSync(path)).toString())[name];
}

export function goldenFile(store: GoldenStore, path: string): Buffer {
  return Buffer.from(store.files[path]!, 'base64');
}

/** Writes the recorded files. */
export function unpack(store: GoldenStore, directory: string): void {
  for (const path of Object.keys(store.files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), goldenFile(store, path));
  }
}
