import { CorruptError } from '@rocketnest/protocol';
import { readJsonFile, writeJsonAtomic } from '@rocketnest/store';

/** What a {@link ConfigFile} keeps on disk. */
export interface Persistent {
  /** The whole state as Apache writes it. */
  encode(): string;
  /** Replaces or merges the state with what a file holds. */
  decode(text: string): void;
}

/**
 * One `config/*.json` file: loaded at start, rewritten atomically when its owner says that it changed (`ConfigManager`).
 * Writes never overlap; changes that come during a write go into the next one.
 */
export class ConfigFile {
  private dirty = false;
  private writing: Promise<void> | null = null;
  /** The write that follows the one under way. */
  private next: Promise<void> | null = null;

  constructor(
    readonly path: string,
    private readonly owner: Persistent,
  ) {}

  /**
   * Reads the file, or its `.bak` when the file is damaged. Missing files leave the owner as it is.
   * @throws CorruptError when there are files and none of them can be read: starting empty would overwrite them
   */
  async load(): Promise<void> {
    let damage: unknown;
    const loaded = await readJsonFile(this.path, (text) => {
      try {
        this.owner.decode(text);
        return true;
      } catch (error) {
        damage ??= error;
        return false;
      }
    });
    if (loaded !== null || damage === undefined) return;
    throw new CorruptError(
      `${this.path} and its .bak cannot be read (${String(damage)}): restore one of them, or move both away to start anew`,
      { cause: damage, context: { path: this.path } },
    );
  }

  /** True when the last change is on disk. */
  get saved(): boolean {
    return !this.dirty && this.writing === null;
  }

  /** Notes a change without writing: an interval or {@link save} will. */
  touch(): void {
    this.dirty = true;
  }

  /** Resolves when everything noted so far is on disk. What is noted meanwhile is another matter: changes may never end. */
  save(): Promise<void> {
    if (!this.dirty) return this.writing ?? Promise.resolve();
    // A write under way began before the last change; one more serves everybody who asks until it begins.
    this.next ??= this.writeNext(this.writing);
    return this.next;
  }

  private async writeNext(current: Promise<void> | null): Promise<void> {
    await current?.catch(() => undefined);
    this.next = null;
    this.writing = this.write();
    await this.writing;
  }

  private async write(): Promise<void> {
    this.dirty = false;
    try {
      await writeJsonAtomic(this.path, this.owner.encode());
    } catch (error) {
      this.dirty = true;
      throw error;
    } finally {
      this.writing = null;
    }
  }
}
