import { type DataVersion, parseFastjson } from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import { readJsonFile, writeJsonAtomic } from '@rocketnest/store';
import type { Clock } from '../context.js';

/**
 * How far each delay level is delivered: `config/delayOffset.json`, as `DelayOffsetSerializeWrapper` has it.
 * The file may lag behind; what it lacks is delivered again after a crash, as on Apache's broker.
 */
export class DelayOffsets {
  private readonly offsets = new Map<number, number>();
  private readonly version: DataVersion = { stateVersion: 0, timestamp: 0, counter: 0 };
  private updates = 0;
  private dirty = false;

  constructor(
    private readonly path: string,
    private readonly versionStep: number,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    this.version.timestamp = clock.now();
  }

  /** Queue offset of the next message of a level to deliver; 0 for a level never used. */
  get(level: number): number {
    return this.offsets.get(level) ?? 0;
  }

  set(level: number, offset: number): void {
    this.offsets.set(level, offset);
    this.dirty = true;
    if (++this.updates % this.versionStep !== 0) return;
    this.version.counter++;
    this.version.timestamp = this.clock.now();
  }

  /** Level and offset of every level used so far. */
  entries(): Iterable<[level: number, offset: number]> {
    return this.offsets.entries();
  }

  async load(): Promise<void> {
    const text = await readJsonFile(this.path);
    if (text === null) return;
    const { offsetTable, dataVersion } = parseFastjson(text) as {
      offsetTable?: Record<string, number>;
      dataVersion?: Partial<DataVersion>;
    };
    for (const [level, offset] of Object.entries(offsetTable ?? {})) {
      if (Number.isSafeInteger(offset) && offset >= 0) this.offsets.set(Number(level), offset);
      else this.logger.warn('delayOffset.json: offset is not a position, ignored', { level, offset });
    }
    Object.assign(this.version, dataVersion);
  }

  /** The file's text, also the body of GET_ALL_DELAY_OFFSET. */
  toJson(): string {
    return JSON.stringify({ dataVersion: this.version, offsetTable: Object.fromEntries(this.offsets) });
  }

  async persist(): Promise<void> {
    if (!this.dirty) return;
    this.dirty = false;
    await writeJsonAtomic(this.path, this.toJson());
  }
}
