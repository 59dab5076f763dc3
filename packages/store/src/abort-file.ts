import type { Files } from './files.js';

/**
 * The file `abort`: present while a store runs, so that the next start knows how the last one ended. Java:
 * `DefaultMessageStore.createTempFile`; the content is the process id, which nobody reads.
 */
export class AbortFile {
  constructor(
    private readonly files: Files,
    private readonly path: string,
  ) {}

  existsSync(): boolean {
    return this.files.factsSync(this.path) !== null;
  }

  createSync(): void {
    const file = this.files.openSync(this.path, 'create');
    file.truncateSync(0);
    file.writeSync(Buffer.from(String(process.pid)), 0);
    file.syncSync();
    file.closeSync();
  }

  removeSync(): void {
    this.files.removeSync(this.path);
  }
}
