import type { DiskFacts, Files, StoreFile } from '../../src/index.js';
import { forwarding, WrappedFiles } from './wrapped-files.js';

type Operation = 'write' | 'sync' | 'create' | 'remove';

/** The real disk, with faults. A rule that returns an error makes the operation fail without touching the disk. */
export class FaultyFiles extends WrappedFiles {
  /** Called before each operation of the running store (not at start-up). */
  rule: (operation: Operation, path: string) => Error | null = () => null;
  /** Makes every sync succeed at once: for tests that open many stores and do not look at durability. */
  skipSyncs = false;
  /** Syncs wait here until they are let go. */
  heldSyncs: (() => void)[] | null = null;
  readonly counts: Record<Operation, number> = { write: 0, sync: 0, create: 0, remove: 0 };

  /** What `space` answers; null: the truth. */
  disk: DiskFacts | Error | null = null;
  /** What `identitySync` answers for every file; undefined: the truth. */
  identity: string | null | undefined = undefined;

  override createSized(...[path, size, durable, done]: Parameters<Files['createSized']>): void {
    const error = this.check('create', path);
    if (error) setImmediate(done, error);
    else super.createSized(path, size, durable, done);
  }

  override createSizedSync(path: string, size: number): StoreFile {
    const error = this.check('create', path);
    if (error) throw error;
    return super.createSizedSync(path, size);
  }

  override remove(...[path, done]: Parameters<Files['remove']>): void {
    const error = this.check('remove', path);
    if (error) setImmediate(done, error);
    else super.remove(path, done);
  }

  override identitySync(path: string): string | null {
    return this.identity === undefined ? super.identitySync(path) : this.identity;
  }

  override space(...[path, done]: Parameters<Files['space']>): void {
    const { disk } = this;
    if (!disk) super.space(path, done);
    else if (disk instanceof Error) setImmediate(done, disk);
    else setImmediate(done, null, disk);
  }

  private check(operation: Operation, path: string): Error | null {
    this.counts[operation]++;
    return this.rule(operation, path);
  }

  protected override wrap(file: StoreFile): StoreFile {
    const { path } = file;
    return {
      ...forwarding(file),
      write: (buffers, position, done) => {
        const error = this.check('write', path);
        if (error) setImmediate(done, error);
        else file.write(buffers, position, done);
      },
      writeNow: (buffers, position) => {
        const error = this.check('write', path);
        if (error) throw error;
        return file.writeNow(buffers, position);
      },
      writeSync: (buffer, position) => {
        const error = this.check('write', path);
        if (error) throw error;
        file.writeSync(buffer, position);
      },
      sync: (done) => {
        const error = this.check('sync', path);
        if (error) setImmediate(done, error);
        else if (this.skipSyncs) setImmediate(done, null);
        else if (this.heldSyncs) this.heldSyncs.push(() => file.sync(done));
        else file.sync(done);
      },
      syncSync: () => {
        if (!this.skipSyncs) file.syncSync();
      },
    };
  }
}
