import { ConfigurationError } from '@rocketnest/protocol';

/** One option: everything there is to know about it. Docs, types, defaults and checks all come from the row. */
export interface OptionRow<T> {
  readonly type: 'int' | 'bool' | 'text';
  readonly default: T;
  /** Unit of a number, or the values allowed. */
  readonly unit: string;
  readonly doc: string;
  /** Says what is wrong with a value, or null. */
  readonly check: (value: unknown) => string | null;
  /** True: read once, at start. All other options may change while the store runs. */
  readonly atStart?: boolean;
}

function int(byDefault: number, unit: string, doc: string, min = 0, max = Number.MAX_SAFE_INTEGER): OptionRow<number> {
  const check = (value: unknown): string | null =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
      ? null
      : `must be a whole number of ${unit} from ${min} to ${max}`;
  return { type: 'int', default: byDefault, unit, doc, check };
}

function bool(byDefault: boolean, doc: string): OptionRow<boolean> {
  const check = (value: unknown): string | null => (typeof value === 'boolean' ? null : 'must be true or false');
  return { type: 'bool', default: byDefault, unit: 'true or false', doc, check };
}

function text(byDefault: string, unit: string, doc: string, pattern: RegExp): OptionRow<string> {
  const check = (value: unknown): string | null =>
    typeof value === 'string' && pattern.test(value) ? null : `must be ${unit}`;
  return { type: 'text', default: byDefault, unit, doc, check };
}

function oneOf<T extends string>(byDefault: T, values: readonly T[], doc: string): OptionRow<T> {
  const unit = values.join(' or ');
  const check = (value: unknown): string | null => (values.includes(value as T) ? null : `must be ${unit}`);
  return { type: 'text', default: byDefault, unit, doc, check };
}

/** Counts only at start. */
const atStart = <T>(row: OptionRow<T>): OptionRow<T> => ({ ...row, atStart: true });

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const INT_MAX = 2 ** 31 - 1;
const CQ_UNIT = 20;
const BATCH_UNIT = 46;

/** Size of files that hold units of so many bytes. */
function queueFileSize(unit: number, doc: string): OptionRow<number> {
  const check = (value: unknown): string | null =>
    Number.isSafeInteger(value) &&
    (value as number) >= unit &&
    (value as number) <= INT_MAX &&
    (value as number) % unit === 0
      ? null
      : `must be a multiple of ${unit} bytes from ${unit} to ${INT_MAX}`;
  return atStart({ ...int(300_000 * unit, 'bytes', doc), check });
}

/**
 * The store's options. Keys, meanings and defaults are those of Apache's `MessageStoreConfig` 5.5.0, except the last group, which
 * has no counterpart there.
 */
export const storeOptionTable = {
  storePathCommitLog: atStart(
    text(
      '',
      'one directory',
      'Directory of the commit log, for a disk of its own. Empty: commitlog in the root directory. Several, as Apache takes, are not supported.',
      /^[^,]*$/,
    ),
  ),
  mappedFileSizeCommitLog: atStart(
    int(GIB, 'bytes', 'Size of a commit log file. Cannot change once a store exists.', 4 * KIB, INT_MAX),
  ),
  mappedFileSizeConsumeQueue: queueFileSize(
    CQ_UNIT,
    'Size of a consume queue file; 20 bytes per message. Cannot change once a store exists.',
  ),
  mapperFileSizeBatchConsumeQueue: queueFileSize(
    BATCH_UNIT,
    'Size of a consume queue file of a BatchCQ topic; 46 bytes per stored message. Cannot change once a store exists.',
  ),
  maxMessageSize: int(
    4 * MIB,
    'bytes',
    'Largest message body; of a client batch, all its bodies together.',
    1,
    512 * MIB,
  ),

  flushDiskType: oneOf(
    'ASYNC_FLUSH',
    ['ASYNC_FLUSH', 'SYNC_FLUSH'],
    'When a send is acknowledged: written to the page cache (survives a crash of the process) or on the disk (survives a crash of the machine).',
  ),
  flushIntervalCommitLog: int(500, 'ms', 'ASYNC_FLUSH: how often the commit log is brought to the disk.', 1),
  syncFlushTimeout: int(
    5_000,
    'ms',
    'SYNC_FLUSH: a send that waits longer for the disk is answered FLUSH_DISK_TIMEOUT.',
    1,
  ),
  flushIntervalConsumeQueue: int(
    1_000,
    'ms',
    'How often consume queue entries and index entries are written to their files.',
    1,
  ),
  flushConsumeQueueThoroughInterval: int(
    60_000,
    'ms',
    'How often consume queues and index are brought to the disk and the checkpoint moves.',
    1,
  ),

  autoMessageVersionOnTopicLen: bool(
    true,
    'Store messages of topics over 127 bytes in version 2 of the layout; else they are refused.',
  ),
  messageIndexEnable: bool(true, 'Build the index by key (unique id, KEYS, tags).'),
  messageIndexSafe: bool(false, 'After a crash, recover from the oldest message the index on disk may lack.'),
  maxHashSlotNum: atStart(
    int(5_000_000, 'slots', 'Hash slots per index file. Cannot change once a store exists.', 1, 100_000_000),
  ),
  maxIndexNum: atStart(
    int(
      20_000_000,
      'entries',
      'Entries per index file, the unused entry 0 included. Cannot change once a store exists.',
      2,
      100_000_000,
    ),
  ),
  maxMsgsNumBatch: int(64, 'messages', 'Most messages one query by key returns.', 1),

  messageDelayLevel: text(
    '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h',
    'delays separated by single spaces, each a number and s, m, h or d',
    'Delay of each level, level 1 first.',
    /^\d+[smhd]( \d+[smhd])*$/,
  ),

  maxTransferBytesOnMessageInMemory: int(256 * KIB, 'bytes', 'Most bytes one get returns of recent messages.', 1),
  maxTransferCountOnMessageInMemory: int(32, 'messages', 'Most messages one get returns of recent messages.', 1),
  maxTransferBytesOnMessageInDisk: int(64 * KIB, 'bytes', 'Most bytes one get returns of old messages.', 1),
  maxTransferCountOnMessageInDisk: int(8, 'messages', 'Most messages one get returns of old messages.', 1),
  accessMessageInMemoryMaxRatio: int(
    40,
    '% of physical memory',
    'Messages closer than this to the end of the log count as recent.',
    0,
    100,
  ),
  maxFilterMessageSize: int(
    16_000,
    'bytes of consume queue',
    'How far one get looks for messages that match its filter.',
    CQ_UNIT,
  ),
  travelCqFileNumWhenGetMessage: int(1, 'files', 'How many consume queue files one get looks through for a match.', 1),

  checkCRCOnRecover: bool(true, 'Check message bodies against their CRC when the log is scanned after a crash.'),

  fileReservedTime: int(72, 'hours', 'Age at which a commit log file may be deleted, counted from its last write.', 0),
  deleteWhen: text(
    '04',
    'hours of the day (local time) from 00 to 23, separated by ;',
    'When old files are deleted.',
    /^([01]?\d|2[0-3])(;([01]?\d|2[0-3]))*$/,
  ),
  diskMaxUsedSpaceRatio: int(
    75,
    '% of the disk',
    'Fuller than this: files older than fileReservedTime go at any hour. Effective from 10 to 95.',
    0,
    100,
  ),
  diskSpaceCleanForciblyRatio: int(
    85,
    '% of the disk',
    'Fuller than this: the oldest files go whatever their age. Effective from 30 to 85.',
    0,
    100,
  ),
  diskSpaceWarningLevelRatio: int(
    90,
    '% of the disk',
    'Fuller than this, and with less than diskFullFreeBytes free: messages are refused. Effective from 35 to 90.',
    0,
    100,
  ),
  cleanFileForciblyEnable: bool(true, 'Whether files may go before their time when the disk fills up.'),
  deleteCommitLogFilesInterval: int(100, 'ms', 'Pause between the deletions of two commit log files.', 0),
  deleteFileBatchMax: int(10, 'files', 'Most commit log files deleted at a time.', 1),
  cleanResourceInterval: int(10_000, 'ms', 'How often the store looks for files to delete.', 1),

  // Timers
  timerWheelEnable: atStart(
    bool(true, 'Messages may be due at a time of their own (TIMER_DELAY_SEC, TIMER_DELAY_MS, TIMER_DELIVER_MS).'),
  ),
  timerPrecisionMs: atStart(
    int(
      1_000,
      'ms',
      'Width of a slot of the timer wheel: the next lower of 100, 200, 500 and 1000. Messages are due to the millisecond all the same. Cannot change while timers wait.',
      1,
      INT_MAX,
    ),
  ),
  timerMaxDelaySec: int(3 * 24 * 3600, 's', 'Longest delay; a message that asks for more is refused.', 0, INT_MAX),
  timerRollWindowSlot: int(
    2 * 24 * 3600,
    'slots',
    'Messages further away than this wait in several stages. Not from 2 to 604740: the latter.',
    -INT_MAX,
    INT_MAX,
  ),
  timerCongestNumEachSlot: int(
    INT_MAX,
    'messages',
    'Messages of one slot above which more are refused by chance, and above twice as many always.',
    1,
    INT_MAX,
  ),
  timerFlushIntervalMs: int(
    1_000,
    'ms',
    'How often timer log, timer wheel and their checkpoint are brought to the disk.',
    1,
    INT_MAX,
  ),
  mappedFileSizeTimerLog: atStart(
    int(
      100 * MIB,
      'bytes',
      'Size of a timer log file; 52 bytes per message. Cannot change once a store exists.',
      KIB,
      INT_MAX,
    ),
  ),
  timerStopEnqueue: bool(false, 'Leave timer messages in rmq_sys_wheel_timer for the time being.'),
  timerSkipUnknownError: bool(false, 'Drop timer messages that cannot be read, instead of trying again.'),
  timerEnableRetryUntilSuccess: bool(
    true,
    'Go on trying when a timer message that is due cannot be stored. False, the default of Apache: three times, then it is lost.',
  ),
  timerEnableCheckMetrics: bool(true, 'Count the messages that wait for each topic anew, once a day at 5.'),
  timerMetricSmallThreshold: int(
    1_000_000,
    'messages',
    'Topics with at least this many are not counted anew.',
    0,
    INT_MAX,
  ),
  appendTopicForTimerDeleteKey: bool(false, 'A recall names the topic, too, beside the unique id of the message.'),

  /** Own options, no counterpart in Apache. */
  diskFullFreeBytes: int(
    4 * GIB,
    'bytes',
    'With more than this free, messages are not refused however full the disk is in percent.',
  ),
  commitLogTailBytes: atStart(
    int(32 * MIB, 'bytes', 'Recent commit log bytes kept in memory; gets of these messages touch no file.', 64 * KIB),
  ),
  maxUnwrittenBytes: int(
    128 * MIB,
    'bytes',
    'Accepted but not yet written bytes; above it puts are refused with OS_PAGE_CACHE_BUSY.',
    64 * KIB,
  ),
  maxOpenFiles: atStart(int(1_024, 'files', 'Consume queue, index and old commit log files kept open.', 8)),
} as const satisfies Record<string, OptionRow<number> | OptionRow<boolean> | OptionRow<string>>;

/** Checked and completed options; one property per row of the table. */
export type StoreOptions = {
  readonly [K in keyof typeof storeOptionTable]: (typeof storeOptionTable)[K]['default'];
};

/**
 * Completes, checks and freezes options.
 *
 * @throws ConfigurationError naming the key, the value and what is allowed; also for a key that is not in the table.
 */
export function parseStoreOptions(input: Readonly<Record<string, unknown>>): StoreOptions {
  const options: Record<string, unknown> = {};
  for (const [key, row] of Object.entries<OptionRow<unknown>>(storeOptionTable)) {
    const value = input[key] === undefined ? row.default : input[key];
    const wrong = row.check(value);
    if (wrong) {
      throw new ConfigurationError(`store option ${key} ${wrong}, got ${JSON.stringify(value)}`, {
        context: { key, value },
      });
    }
    options[key] = value;
  }
  for (const key of Object.keys(input)) {
    if (key in storeOptionTable) continue;
    throw new ConfigurationError(`unknown store option ${key}: see the table in options.ts for the known ones`, {
      context: { key },
    });
  }
  return Object.freeze(options) as StoreOptions;
}
