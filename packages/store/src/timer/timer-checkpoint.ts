import { readInt64, writeInt64 } from '@rocketnest/protocol';
import type { Files, StoreFile } from '../files.js';
import { syncFile, writeFully } from '../open-files.js';

const FILE_BYTES = 4096;
const FIELDS_BYTES = 56;

/**
 * How far the timers have come: `config/timercheck`.
 *
 * ```
 * 0         8           16           24           32              40        48
 * | read ms | timer log | queue      | queue      | state version | version | counter |   big endian; a file of 4096 bytes
 * |         | on disk   | offset     | of master  |               | ms      |         |
 * ```
 * Java: `TimerCheckpoint`.
 */
export class TimerCheckpoint {
  /** The first slot that is not wholly delivered. */
  lastReadTimeMs = 0;
  /** Everything before this position of the timer log is on the disk. */
  lastTimerLogFlushPos = 0;
  /** The first message of rmq_sys_wheel_timer that may lack a unit in the timer log. */
  lastTimerQueueOffset = 0;
  /** The same of the master, for slaves; of a master, its own. */
  masterTimerQueueOffset = 0;
  readonly dataVersion = { stateVersion: 0, timestamp: 0, counter: 0 };

  private file: StoreFile | null = null;

  constructor(
    private readonly files: Files,
    readonly path: string,
  ) {}

  openSync(): void {
    this.file = this.files.openSync(this.path, 'create');
    const buffer = Buffer.alloc(FILE_BYTES);
    if (this.file.readSync(buffer, 0) < FILE_BYTES) this.file.truncateSync(FILE_BYTES);
    this.lastReadTimeMs = readInt64(buffer, 0);
    this.lastTimerLogFlushPos = readInt64(buffer, 8);
    this.lastTimerQueueOffset = readInt64(buffer, 16);
    this.masterTimerQueueOffset = readInt64(buffer, 24);
    this.dataVersion.stateVersion = readInt64(buffer, 32);
    this.dataVersion.timestamp = readInt64(buffer, 40);
    this.dataVersion.counter = readInt64(buffer, 48);
  }

  /** Also the body of GET_TIMER_CHECK_POINT. */
  encode(): Buffer {
    const { stateVersion, timestamp, counter } = this.dataVersion;
    const values = [
      this.lastReadTimeMs,
      this.lastTimerLogFlushPos,
      this.lastTimerQueueOffset,
      this.masterTimerQueueOffset,
      stateVersion,
      timestamp,
      counter,
    ];
    const buffer = Buffer.alloc(FIELDS_BYTES);
    values.forEach((value, index) => {
      writeInt64(value, buffer, index * 8);
    });
    return buffer;
  }

  /** Writes the fields and waits for the disk. Calls must not overlap. */
  async save(): Promise<void> {
    if (this.file === null) return;
    await writeFully(this.file, [this.encode()], 0);
    await syncFile(this.file);
  }

  close(): void {
    this.file?.close();
    this.file = null;
  }
}
