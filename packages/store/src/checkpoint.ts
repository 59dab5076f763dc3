import { crc32 } from 'node:zlib';
import type { Files, StoreFile } from './files.js';

const SIZE = 4096;
const FIELDS_BYTES = 48;
/** 'RNST': RocketNest wrote the fields before it. */
const SEAL_AT = SIZE - 8;
const SEAL_MAGIC = 0x524e5354;

/**
 * How far each part of the store is on the disk for certain; decides where recovery after a crash begins.
 *
 * ```
 * 0        8         16       24             32         40
 * | physic | logics  | index  | master       | confirm  | logics physical |   8 bytes each, big endian; file of 4096 bytes
 * | msg ms | msg ms  | msg ms | flushed offs | phy offs | offset          |
 * ```
 * Java: `StoreCheckpoint` 5.5.0. The last 8 bytes, which Apache leaves alone, are our seal: a magic and the CRC of the fields.
 */
export class Checkpoint {
  /** Store time of the newest message whose commit log bytes are on the disk. */
  physicMsgTimestamp = 0;
  /** Store time of the newest message whose consume queue entry, and those of all before it, are on the disk. */
  logicsMsgTimestamp = 0;
  /** Store time of the newest entry of the index on the disk. */
  indexMsgTimestamp = 0;
  /** Of replication; kept as found. */
  masterFlushedOffset = 0;
  /** Start of the last message found valid by the last recovery. */
  confirmPhyOffset = 0;
  /** Commit log offset of the message of `logicsMsgTimestamp`. */
  logicsPhysicalOffset = 0;

  /**
   * The fields say what RocketNest knows to be on the disk. Apache's may be ahead of what it has brought there: `seal` after
   * everything was synced.
   */
  isOurs = false;

  private file: StoreFile | null = null;
  private readonly buffer = Buffer.alloc(SIZE);
  private saving: Promise<void> | null = null;

  constructor(
    private readonly files: Files,
    readonly path: string,
  ) {}

  openSync(): void {
    this.file = this.files.openSync(this.path, 'create');
    const length = this.file.readSync(this.buffer, 0);
    if (length < SIZE) this.file.truncateSync(SIZE);
    const field = (at: number): number => Number(this.buffer.readBigInt64BE(at));
    this.physicMsgTimestamp = field(0);
    this.logicsMsgTimestamp = field(8);
    this.indexMsgTimestamp = field(16);
    this.masterFlushedOffset = field(24);
    this.confirmPhyOffset = field(32);
    this.logicsPhysicalOffset = field(40);
    this.isOurs =
      this.buffer.readUInt32BE(SEAL_AT) === SEAL_MAGIC && this.buffer.readUInt32BE(SEAL_AT + 4) === this.fieldsCrc();
  }

  /** Writes the fields and waits for the disk. Overlapping calls share one follow-up write. */
  async save(): Promise<void> {
    while (this.saving) await this.saving;
    const file = this.file;
    if (!file) return;
    this.encode();
    this.saving = new Promise<void>((resolve, reject) => {
      file.write([this.buffer], 0, (error) => {
        if (error) return reject(error);
        file.sync((syncError) => (syncError ? reject(syncError) : resolve()));
      });
    }).finally(() => {
      this.saving = null;
    });
    return this.saving;
  }

  saveSync(): void {
    this.encode();
    this.file?.writeSync(this.buffer, 0);
    this.file?.syncSync();
  }

  close(): void {
    this.file?.close();
    this.file = null;
  }

  private encode(): void {
    const values = [
      this.physicMsgTimestamp,
      this.logicsMsgTimestamp,
      this.indexMsgTimestamp,
      this.masterFlushedOffset,
      this.confirmPhyOffset,
      this.logicsPhysicalOffset,
    ];
    values.forEach((value, index) => {
      this.buffer.writeBigInt64BE(BigInt(value), index * 8);
    });
    this.buffer.writeUInt32BE(this.isOurs ? SEAL_MAGIC : 0, SEAL_AT);
    this.buffer.writeUInt32BE(this.isOurs ? this.fieldsCrc() : 0, SEAL_AT + 4);
  }

  private fieldsCrc(): number {
    return crc32(this.buffer.subarray(0, FIELDS_BYTES));
  }
}
