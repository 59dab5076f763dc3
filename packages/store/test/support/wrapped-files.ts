import { type Files, nodeFiles, type StoreFile } from '../../src/index.js';

/** A file that does what another does: the start of one that does something else now and then. */
export const forwarding = (file: StoreFile): StoreFile => ({
  path: file.path,
  write: (buffers, position, done) => file.write(buffers, position, done),
  writeNow: (buffers, position) => file.writeNow(buffers, position),
  sync: (done) => file.sync(done),
  read: (target, position, done) => file.read(target, position, done),
  writeSync: (buffer, position) => file.writeSync(buffer, position),
  readSync: (target, position) => file.readSync(target, position),
  syncSync: () => file.syncSync(),
  truncateSync: (length) => file.truncateSync(length),
  close: () => file.close(),
  closeSync: () => file.closeSync(),
});

/** The real disk, each of whose files goes through {@link wrap}. */
export class WrappedFiles implements Files {
  readonly open: Files['open'] = (path, mode, done) =>
    nodeFiles.open(path, mode, (error, file) => (file ? done(null, this.wrap(file)) : done(error)));
  readonly listSync = nodeFiles.listSync;
  readonly factsSync = nodeFiles.factsSync;
  readonly makeDirectorySync = nodeFiles.makeDirectorySync;
  readonly makeDirectory = nodeFiles.makeDirectory;
  readonly removeSync = nodeFiles.removeSync;
  readonly removeEmptyDirectorySync = nodeFiles.removeEmptyDirectorySync;

  openSync(...[path, mode]: Parameters<Files['openSync']>): StoreFile {
    return this.wrap(nodeFiles.openSync(path, mode));
  }

  createSized(...[path, size, durable, done]: Parameters<Files['createSized']>): void {
    nodeFiles.createSized(path, size, durable, (error, file) => (file ? done(null, this.wrap(file)) : done(error)));
  }

  createSizedSync(path: string, size: number): StoreFile {
    return this.wrap(nodeFiles.createSizedSync(path, size));
  }

  remove(...args: Parameters<Files['remove']>): void {
    nodeFiles.remove(...args);
  }

  identitySync(path: string): string | null {
    return nodeFiles.identitySync(path);
  }

  space(...args: Parameters<Files['space']>): void {
    nodeFiles.space(...args);
  }

  protected wrap(file: StoreFile): StoreFile {
    return file;
  }
}
