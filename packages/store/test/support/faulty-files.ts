import { type DiskFacts, type Files, nodeFiles, type StoreFile } from '../../src/index.js';

type Operation = 'write' | 'sync' | 'create' | 'remove';

/** The real disk, with faults. A rule that returns an error makes the operation fail without touching the disk. */
export class FaultyFiles implements Files {
  /** Called before each operation of the running store (not at start-up). */
  rule: (operation: Operation, path: string) => Error | null = () => null;
  /** Makes every sync succeed at once: for tests that open many stores and do not look at durability. */
  skipSyncs = false;
  /** Syncs wait here until they are let go. */
  heldSyncs: (() => void)[] | null = null;
  readonly counts: Record<Operation, number> = { write: 0, sync: 0, create: 0, remove: 0 };

  readonly open: Files['open'] = (path, mode, done) =>
    nodeFiles.open(path, mode, (error, file) => (file ? done(null, this.wrap(file)) : done(error)));
  readonly openSync: Files['openSync'] = (path, mode) => this.wrap(nodeFiles.openSync(path, mode));
  readonly createSized: Files['createSized'] = (path, size, durable, done) => {
    const error = this.check('create', path);
    if (error) setImmediate(done, error);
    else
      nodeFiles.createSized(path, size, durable, (failure, file) =>
        file ? done(null, this.wrap(file)) : done(failure),
      );
  };
  readonly remove: Files['remove'] = (path, done) => {
    const error = this.check('remove', path);
    if (error) setImmediate(done, error);
    else nodeFiles.remove(path, done);
  };
  readonly listSync = nodeFiles.listSync;
  readonly factsSync = nodeFiles.factsSync;
  readonly makeDirectorySync = nodeFiles.makeDirectorySync;
  readonly makeDirectory = nodeFiles.makeDirectory;
  readonly removeSync = nodeFiles.removeSync;
  readonly removeEmptyDirectorySync = nodeFiles.removeEmptyDirectorySync;
  /** What `space` answers; null: the truth. */
  disk: DiskFacts | Error | null = null;
  /** What `identitySync` answers for every file; undefined: the truth. */
  identity: string | null | undefined = undefined;
  readonly identitySync: Files['identitySync'] = (path) =>
    this.identity === undefined ? nodeFiles.identitySync(path) : this.identity;
  readonly space: Files['space'] = (path, done) => {
    const { disk } = this;
    if (!disk) nodeFiles.space(path, done);
    else if (disk instanceof Error) setImmediate(done, disk);
    else setImmediate(done, null, disk);
  };

  private check(operation: Operation, path: string): Error | null {
    this.counts[operation]++;
    return this.rule(operation, path);
  }

  private wrap(file: StoreFile): StoreFile {
    const { path } = file;
    return {
      path,
      write: (buffers, position, done) => {
        const error = this.check('write', path);
        if (error) setImmediate(done, error);
        else file.write(buffers, position, done);
      },
      sync: (done) => {
        const error = this.check('sync', path);
        if (error) setImmediate(done, error);
        else if (this.skipSyncs) setImmediate(done, null);
        else if (this.heldSyncs) this.heldSyncs.push(() => file.sync(done));
        else file.sync(done);
      },
      read: (target, position, done) => file.read(target, position, done),
      writeSync: (buffer, position) => file.writeSync(buffer, position),
      readSync: (target, position) => file.readSync(target, position),
      syncSync: () => {
        if (!this.skipSyncs) file.syncSync();
      },
      truncateSync: (length) => file.truncateSync(length),
      close: () => file.close(),
      closeSync: () => file.closeSync(),
    };
  }
}
