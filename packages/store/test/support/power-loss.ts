import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Files, StoreFile } from '../../src/index.js';
import { forwarding, WrappedFiles } from './wrapped-files.js';

const PAGE_BYTES = 4096;

/** Pages of a file as they were before writes that no sync has followed. */
type Undo = Map<number, Buffer>;

const lengthOf = (buffers: readonly Buffer[]): number => buffers.reduce((sum, { length }) => sum + length, 0);

/** Same numbers for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The real disk, and what a power failure makes of it: pages written since the last sync of their file reach the disk or not, each for
 * itself; files created since may be gone.
 */
export class PowerLossFiles extends WrappedFiles {
  private readonly undo = new Map<string, Undo>();
  private readonly young = new Set<string>();
  /** Files that are being synced, and the pages written meanwhile, as they were before. */
  private readonly syncing = new Map<string, Undo>();

  override openSync(...[path, mode]: Parameters<Files['openSync']>): StoreFile {
    if (mode === 'create' && !existsSync(path)) this.young.add(path);
    return super.openSync(path, mode);
  }

  override createSized(...[path, size, durable, done]: Parameters<Files['createSized']>): void {
    super.createSized(path, size, durable, (error, file) => {
      if (!durable) this.young.add(path);
      if (file) done(null, file);
      else done(error);
    });
  }

  override createSizedSync(path: string, size: number): StoreFile {
    this.young.add(path);
    return super.createSizedSync(path, size);
  }

  /** Copies `directory` to `copy` as the power failure leaves it. */
  fail(directory: string, copy: string, random: () => number): void {
    cpSync(directory, copy, { recursive: true });
    const copied = (path: string): string => copy + path.slice(directory.length);
    for (const [path, pages] of this.undo) {
      if (!path.startsWith(directory) || !existsSync(copied(path))) continue;
      const content = readFileSync(copied(path));
      for (const [page, before] of pages) if (random() < 0.5) before.copy(content, page * PAGE_BYTES);
      writeFileSync(copied(path), content);
    }
    // A journal keeps the order: when a file is gone, so are those created after it.
    const young = [...this.young].filter((path) => path.startsWith(directory));
    for (const path of young.slice(Math.floor(random() * (young.length + 1)))) rmSync(copied(path), { force: true });
  }

  /** A synced file is there for good, and by the order of the journal so are those created before it. */
  private settle(path: string): void {
    if (!this.young.has(path)) return;
    for (const earlier of this.young) {
      this.young.delete(earlier);
      if (earlier === path) return;
    }
  }

  protected override wrap(file: StoreFile): StoreFile {
    const { path } = file;
    const remember = (length: number, position: number): void => {
      const pages: Undo = this.undo.get(path) ?? new Map();
      this.undo.set(path, pages);
      const during = this.syncing.get(path);
      for (let page = Math.floor(position / PAGE_BYTES); page * PAGE_BYTES < position + length; page++) {
        if (pages.has(page) && (!during || during.has(page))) continue;
        const buffer = Buffer.alloc(PAGE_BYTES);
        const before = buffer.subarray(0, file.readSync(buffer, page * PAGE_BYTES));
        if (!pages.has(page)) pages.set(page, before);
        if (during && !during.has(page)) during.set(page, before);
      }
    };
    return {
      ...forwarding(file),
      write: (buffers, position, done) => {
        remember(lengthOf(buffers), position);
        file.write(buffers, position, done);
      },
      writeNow: (buffers, position) => {
        remember(lengthOf(buffers), position);
        return file.writeNow(buffers, position);
      },
      sync: (done) => {
        const before = [...(this.undo.get(path)?.keys() ?? [])];
        // What is written while the sync runs is not part of it, but what was there before that is.
        const during: Undo = new Map();
        this.syncing.set(path, during);
        file.sync((error) => {
          this.syncing.delete(path);
          if (!error) {
            for (const page of before) {
              const since = during.get(page);
              if (since) this.undo.get(path)?.set(page, since);
              else this.undo.get(path)?.delete(page);
            }
            this.settle(path);
          }
          done(error);
        });
      },
      writeSync: (buffer, position) => {
        remember(buffer.length, position);
        file.writeSync(buffer, position);
      },
      syncSync: () => {
        file.syncSync();
        this.undo.delete(path);
        this.settle(path);
      },
    };
  }
}
