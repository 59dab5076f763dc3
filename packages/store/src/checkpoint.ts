import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Files, StoreFile } from './files.js';
import type { WrittenIndex } from './index-service.js';

const SIZE = 4096;
const FIELDS_BYTES = 48;
/** 'RNS2': RocketNest wrote the fields before it. */
const SEAL_MAGIC = 0x524e5332;
/** Everything within the first 512 bytes, so that a disk writes all of it or nothing. */
const SEAL_AT = 64;
const WRITTEN_AT = SEAL_AT + 8;
const FLAGS_AT = WRITTEN_AT + 20;
const HEADER_AT = WRITTEN_AT + 24;
const SEAL_END = HEADER_AT + 40;

/** The fields are ours. */
const OURS = 1;
/** Header and slots of the index may not fit. */
const MIXED = 2;

/** How far the files are written, though not yet on the disk: what is still there after the process was killed. */
export interface Written {
  /** Start of the newest message whose consume queue entry, and those of all before it, are in the files. */
  readonly commitLogOffset: number;
  readonly index: WrittenIndex;
}

/**
 * How far each part of the store is on the disk for certain; decides where recovery after a crash begins.
 *
 * ```
 * 0        8         16       24             32         40
 * | physic | logics  | index  | master       | confirm  | logics physical |   8 bytes each, big endian; file of 4096 bytes
 * | msg ms | msg ms  | msg ms | flushed offs | phy offs | offset          |
 * ```
 * Java: `StoreCheckpoint` 5.5.0. Behind the fields, where Apache writes nothing, is our seal:
 * ```
 * 64      68    72              80              88                92          96
 * | magic | CRC | written up to | identity of   | CRC of the      | flags (4) | header of the index file |
 * |       |     | (log offset)  | this file (8) | index file name |           | that fits (40)           |
 * ```
 * The CRC covers the fields and what follows it.
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
  /** What was written when the process ended; null when that is not known, or when the machine was started since. */
  written: Written | null = null;

  private identity: Buffer | null = null;
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
    const sealed =
      this.buffer.readUInt32BE(SEAL_AT) === SEAL_MAGIC && this.buffer.readUInt32BE(SEAL_AT + 4) === this.sealCrc();
    this.isOurs = sealed && (this.buffer.readUInt32BE(FLAGS_AT) & OURS) !== 0;
    const identity = this.files.identitySync(this.path);
    this.identity = identity === null ? null : createHash('sha256').update(identity).digest().subarray(0, 8);
    const isSame = this.identity?.equals(this.buffer.subarray(WRITTEN_AT + 8, WRITTEN_AT + 16));
    this.written = sealed && isSame ? this.readWritten() : null;
  }

  /** Notes how far the files are written. Does not wait for the disk, and moves no field of Apache's. Null: nothing is known. */
  async saveWritten(written: Written | null): Promise<void> {
    this.written = written;
    if (!this.identity) return;
    while (this.saving) await this.saving;
    const { file } = this;
    if (!file) return;
    this.encodeSeal();
    const { buffer } = this;
    this.saving = new Promise<void>((resolve, reject) => {
      file.write([buffer.subarray(SEAL_AT, SEAL_END)], SEAL_AT, (error) => (error ? reject(error) : resolve()));
    }).finally(() => {
      this.saving = null;
    });
    return this.saving;
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
    this.encodeSeal();
  }

  private encodeSeal(): void {
    const { buffer, written, identity } = this;
    buffer.fill(0, SEAL_AT, SEAL_END);
    if (!this.isOurs && !written) return;
    buffer.writeUInt32BE((this.isOurs ? OURS : 0) | (written?.index.mixed ? MIXED : 0), FLAGS_AT);
    if (written && identity) {
      buffer.writeBigInt64BE(BigInt(written.commitLogOffset), WRITTEN_AT);
      identity.copy(buffer, WRITTEN_AT + 8);
      buffer.writeUInt32BE(written.index.nameCrc, WRITTEN_AT + 16);
      written.index.header.copy(buffer, HEADER_AT);
    }
    buffer.writeUInt32BE(SEAL_MAGIC, SEAL_AT);
    buffer.writeUInt32BE(this.sealCrc(), SEAL_AT + 4);
  }

  private readWritten(): Written {
    const { buffer } = this;
    return {
      commitLogOffset: Number(buffer.readBigInt64BE(WRITTEN_AT)),
      index: {
        nameCrc: buffer.readUInt32BE(WRITTEN_AT + 16),
        mixed: (buffer.readUInt32BE(FLAGS_AT) & MIXED) !== 0,
        header: Buffer.from(buffer.subarray(HEADER_AT, SEAL_END)),
      },
    };
  }

  private sealCrc(): number {
    return crc32(this.buffer.subarray(WRITTEN_AT, SEAL_END), crc32(this.buffer.subarray(0, FIELDS_BYTES)));
  }
}
