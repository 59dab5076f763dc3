import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodeResetOffsetBody, parseResetOffsetBody } from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import { type MessageQueue, queueKey } from '../message-queue.js';
import { type OffsetStore, OffsetTable } from './offset-store.js';

/**
 * Offsets in a local file, for broadcasting: every member has its own progress. Path and format are Java's, so either client can
 * go on where the other stopped: `<dir>/<clientId>/<group>/offsets.json`, with the previous version beside it as `.bak`.
 * Since the client id is part of the path, resuming after a restart needs a stable `instanceName` (and `clientIp`).
 * Java: LocalFileOffsetStore.
 */
export class LocalOffsetStore implements OffsetStore {
  readonly path: string;
  private readonly table = new OffsetTable();
  /** What the file holds, queues that are not ours now included. */
  private readonly saved = new Map<string, { readonly queue: MessageQueue; readonly offset: number }>();
  private writing: Promise<void> = Promise.resolve();

  constructor(
    dir: string,
    clientId: string,
    group: string,
    private readonly logger: Logger,
  ) {
    this.path = join(dir, clientId, group, 'offsets.json');
  }

  async load(): Promise<void> {
    const entries = (await this.readFile(this.path)) ?? (await this.readFile(`${this.path}.bak`)) ?? [];
    for (const { queue, offset } of entries) this.saved.set(queueKey(queue), { queue, offset });
  }

  async read(queue: MessageQueue): Promise<number | null> {
    const key = queueKey(queue);
    const known = this.saved.get(key);
    if (known === undefined) return null;
    this.update(key, queue, known.offset, false);
    return known.offset;
  }

  peek(key: string): number {
    return this.table.peek(key);
  }

  update(key: string, queue: MessageQueue, offset: number, increaseOnly: boolean): void {
    this.table.update(key, queue, offset, increaseOnly);
  }

  persist(keys: Iterable<string>): Promise<void> {
    let changed = false;
    for (const key of keys) {
      const known = this.table.get(key);
      if (known === undefined || this.saved.get(key)?.offset === known.offset) continue;
      this.saved.set(key, { queue: known.queue, offset: known.offset });
      changed = true;
    }
    if (changed) this.writing = this.writing.then(() => this.write());
    return this.writing;
  }

  forget(key: string): void {
    this.table.forget(key);
  }

  private async write(): Promise<void> {
    const body = encodeResetOffsetBody({ offsetTable: [...this.saved.values()] });
    try {
      await mkdir(dirname(this.path), { recursive: true });
      await writeFile(`${this.path}.tmp`, body, { flush: true });
      await rename(this.path, `${this.path}.bak`).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
      await rename(`${this.path}.tmp`, this.path);
    } catch (error) {
      this.logger.error(
        `broadcast offsets could not be written to ${this.path}; after a restart messages may come again`,
        {
          error,
        },
      );
      await rm(`${this.path}.tmp`, { force: true }).catch(() => {});
    }
  }

  private async readFile(path: string): Promise<{ queue: MessageQueue; offset: number }[] | null> {
    let text: Buffer;
    try {
      text = await readFile(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    try {
      return parseResetOffsetBody(text).offsetTable;
    } catch (error) {
      this.logger.error(`the broadcast offsets in ${path} cannot be read and are ignored`, { error });
      return null;
    }
  }
}
