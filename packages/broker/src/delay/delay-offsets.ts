import { type DataVersion, parseFastjson } from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import type { Clock } from '../clock.js';
import { ConfigFile, type Persistent } from '../config-file.js';
import { nextVersion } from '../data-version.js';
import type { BrokerOptions } from '../options.js';

/**
 * How far each delay level is delivered: `config/delayOffset.json`, as `DelayOffsetSerializeWrapper` has it.
 * The file may lag behind; what it lacks is delivered again after a crash, as on Apache's broker.
 */
export class DelayOffsets implements Persistent {
  readonly file: ConfigFile;
  private readonly offsets = new Map<number, number>();
  private version: DataVersion;
  private updates = 0;

  constructor(
    private readonly parts: { readonly options: BrokerOptions; readonly clock: Clock; readonly logger: Logger },
    path: string,
  ) {
    this.file = new ConfigFile(path, this);
    this.version = { stateVersion: 0, timestamp: parts.clock.now(), counter: 0 };
  }

  /** Queue offset of the next message of a level to deliver; 0 for a level never used. */
  get(level: number): number {
    return this.offsets.get(level) ?? 0;
  }

  /** Every level that was ever used, with its offset. */
  entries(): [level: number, offset: number][] {
    return [...this.offsets];
  }

  set(level: number, offset: number): void {
    this.offsets.set(level, offset);
    this.updates += 1;
    if (this.updates % this.parts.options.delayOffsetUpdateVersionStep === 0) {
      this.version = nextVersion(this.version, this.parts.clock);
    }
    this.file.touch();
  }

  /** The file's text, also the body of GET_ALL_DELAY_OFFSET. */
  encode(): string {
    return JSON.stringify({ dataVersion: this.version, offsetTable: Object.fromEntries(this.offsets) });
  }

  decode(text: string): void {
    const { offsetTable, dataVersion } = parseFastjson(text) as {
      offsetTable?: Record<string, number>;
      dataVersion?: Partial<DataVersion>;
    };
    for (const [level, offset] of Object.entries(offsetTable ?? {})) {
      if (Number.isSafeInteger(offset) && offset >= 0) this.offsets.set(Number(level), offset);
      else this.parts.logger.warn('delayOffset.json: offset is not a position, ignored', { level, offset });
    }
    this.version = { ...this.version, ...dataVersion };
  }
}
