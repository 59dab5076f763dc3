import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError } from '@rocketnest/protocol';
import { knownApacheKeys } from './apache-keys.js';
import { defaultBrokerIp } from './local-address.js';
import { parseProperties } from './properties.js';

/** One row of the option table. `T` is the type of the accepted value. */
interface OptionRow<T> {
  readonly kind: 'string' | 'integer' | 'boolean';
  /** A function when the default depends on the machine or on other options. */
  readonly default: T | ((given: Readonly<Record<string, unknown>>) => T);
  /** Returns what the value must be when it is not acceptable. */
  readonly check?: (value: T) => string | undefined;
  /** Unit of a number: `ms`, `bytes`, `count`, … */
  readonly unit?: string;
  readonly doc: string;
}

const text = (
  defaultValue: string | ((given: Readonly<Record<string, unknown>>) => string),
  doc: string,
  check?: (value: string) => string | undefined,
): OptionRow<string> => ({ kind: 'string', default: defaultValue, doc, check });

const flag = (defaultValue: boolean, doc: string): OptionRow<boolean> => ({
  kind: 'boolean',
  default: defaultValue,
  doc,
});

const whole = (
  unit: string,
  min: number,
  max: number,
  defaultValue: number | ((given: Readonly<Record<string, unknown>>) => number),
  doc: string,
): OptionRow<number> => ({
  kind: 'integer',
  unit,
  default: defaultValue,
  doc,
  check: (value) => (value < min || value > max ? `from ${min} to ${max}` : undefined),
});

const oneOf = <const V extends string>(values: readonly V[], defaultValue: V, doc: string): OptionRow<V> => ({
  kind: 'string',
  default: defaultValue,
  doc: `${doc} One of ${values.join(', ')}.`,
  check: (value) => (values.includes(value) ? undefined : `one of ${values.join(', ')}`),
});

const notBlank = (value: string): string | undefined => (value.trim() === '' ? 'a non-empty string' : undefined);

/** `host:port[;host:port…]` or nothing. */
const addressList = (value: string): string | undefined =>
  value === '' || value.split(';').every((address) => /^\s*(\[[0-9a-fA-F:]+\]|[^\s:;]+):\d{1,5}\s*$/.test(address))
    ? undefined
    : 'a list HOST:PORT[;HOST:PORT…]';

const delayLevels = (value: string): string | undefined =>
  /^\s*\d+[smhd](\s+\d+[smhd])*\s*$/.test(value) ? undefined : 'delays like "1s 5s 10m 2h" separated by spaces';

const INT_MAX = 2 ** 31 - 1;
const SAFE_MAX = Number.MAX_SAFE_INTEGER;

/**
 * Every broker option: Apache's key, its type, default, range, unit and meaning. Defaults are Apache's
 * (`BrokerConfig`, `MessageStoreConfig`, `NettyServerConfig` of 5.5.0, after `BrokerStartup`) unless the row says otherwise.
 */
export const brokerOptionTable = {
  // Identity and addresses
  brokerName: text(
    hostname,
    'Name shared by a master and its slaves; clients address queues by it. Default: the host name.',
    notBlank,
  ),
  brokerClusterName: text('DefaultCluster', 'Cluster that this broker registers in.', notBlank),
  brokerId: whole('id', 0, SAFE_MAX, 0, '0 is the master. Replication is not available yet, so only 0 is useful.'),
  brokerRole: oneOf(['ASYNC_MASTER'], 'ASYNC_MASTER', 'Role in replication.'),
  brokerPermission: whole('bits', 0, 7, 6, 'Permission of the whole broker: 4 read, 2 write (sum).'),
  bindAddress: text('0.0.0.0', 'Local address to listen on.', notBlank),
  listenPort: whole('port', 0, 65_535, 10_911, 'TCP port. 0 picks a free one, readable as `broker.port` after start.'),
  haListenPort: whole('port', 0, 65_535, 0, 'Replication port announced to name servers. 0: listenPort + 1.'),
  brokerIP1: text(
    defaultBrokerIp,
    'Address announced to clients. Default: the bind address when it is a real one, else the first external IPv4 ' +
      'address of this machine (private ones last), else 127.0.0.1.',
    notBlank,
  ),
  brokerIP2: text(
    (given) => (given['brokerIP1'] as string | undefined) ?? defaultBrokerIp(given),
    'Address announced to slaves. Default: brokerIP1.',
    notBlank,
  ),
  namesrvAddr: text('', 'Name servers, HOST:PORT[;HOST:PORT…]. Empty: register nowhere.', addressList),
  registerNameServerPeriod: whole(
    'ms',
    10_000,
    60_000,
    30_000,
    'Interval of registration with every name server. Apache silently clamps to this range; here a value outside is an error.',
  ),
  registerBrokerTimeoutMills: whole('ms', 1, INT_MAX, 24_000, 'Time allowed for one registration request.'),
  serverChannelMaxIdleTimeSeconds: whole('s', 1, INT_MAX, 120, 'Connections silent for this long are closed.'),

  // Topics
  autoCreateTopicEnable: flag(true, 'Create unknown topics on first send, after the settings of TBW102.'),
  defaultTopicQueueNums: whole('queues', 1, 65_535, 8, 'Upper limit of queues of an auto-created topic.'),
  clusterTopicEnable: flag(true, 'The topic named like the cluster may be written and read.'),
  brokerTopicEnable: flag(true, 'The topic named like the broker may be written and read.'),
  traceTopicEnable: flag(false, 'Create the message trace topic.'),
  msgTraceTopicName: text('RMQ_SYS_TRACE_TOPIC', 'Name of the message trace topic.', notBlank),
  validateSystemTopicWhenUpdateTopic: flag(true, 'Refuse to create or change system topics by admin request.'),
  clearRetryTopicWhenDeleteTopic: flag(true, 'Deleting a topic also deletes the pop retry topics of its groups.'),
  reviveQueueNum: whole('queues', 1, 65_535, 8, 'Queues of the pop revive topic.'),

  // Consumer groups and clients
  autoCreateSubscriptionGroup: flag(true, 'Create unknown consumer groups on first use.'),
  notifyConsumerIdsChangedEnable: flag(true, 'Tell the members of a group when its membership changes.'),
  channelExpiredTimeout: whole('ms', 1, SAFE_MAX, 120_000, 'A client without heartbeat for this long is dropped.'),
  subscriptionExpiredTimeout: whole(
    'ms',
    1,
    SAFE_MAX,
    600_000,
    'A subscription not refreshed for this long is dropped.',
  ),
  useStaticSubscription: flag(false, 'Also accept subscriptions written in the group settings, without heartbeat.'),

  // Send
  regionId: text('DefaultRegion', 'Region name put into messages and send responses (MSG_REGION).', notBlank),
  traceOn: flag(true, 'Value of TRACE_ON in messages and send responses: clients may record traces.'),
  startAcceptSendRequestTimeStamp: whole('epoch ms', 0, SAFE_MAX, 0, 'Sends before this moment are refused.'),
  maxMessageSize: whole('bytes', 1, INT_MAX - 64 * 1024, 4 * 1024 * 1024, 'Largest message body.'),

  // Pull and offsets
  longPollingEnable: flag(true, 'Hold pulls that find nothing until messages arrive or the client-given time is over.'),
  shortPollingTimeMills: whole('ms', 1, SAFE_MAX, 1_000, 'How long such pulls wait when long polling is off.'),
  litePullMessageEnable: flag(true, 'Accept LITE_PULL_MESSAGE.'),
  rejectPullConsumerEnable: flag(false, 'Refuse group member lists to pull consumers of unknown clients.'),
  enablePropertyFilter: flag(false, 'SQL92 filters. Not available yet: true is refused at start.'),
  useServerSideResetOffset: flag(true, 'Offset resets are kept by the broker and take effect on the next pull.'),
  flushConsumerOffsetInterval: whole('ms', 1, INT_MAX, 5_000, 'Interval of writing config/consumerOffset.json.'),
  consumerOffsetUpdateVersionStep: whole('commits', 1, SAFE_MAX, 500, 'Commits per dataVersion step of the offsets.'),

  // Delay levels
  messageDelayLevel: text(
    '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h',
    'Delay of level 1, 2, 3, …',
    delayLevels,
  ),
  flushDelayOffsetInterval: whole('ms', 1, INT_MAX, 10_000, 'Interval of writing config/delayOffset.json.'),
  delayOffsetUpdateVersionStep: whole('steps', 1, SAFE_MAX, 200, 'Offset updates per dataVersion step.'),

  // Transactions
  rejectTransactionMessage: flag(false, 'Refuse transactional sends.'),
  transactionTimeOut: whole('ms', 0, SAFE_MAX, 6_000, 'Age of a half message before its first check-back.'),
  transactionCheckMax: whole('checks', 1, INT_MAX, 15, 'Check-backs before a half message is given up.'),
  transactionCheckInterval: whole('ms', 1, INT_MAX, 30_000, 'Interval of the check-back scan.'),
  transactionOpMsgMaxSize: whole('bytes', 1, INT_MAX, 4_096, 'Op messages are written when they reach this size …'),
  transactionOpBatchInterval: whole('ms', 1, INT_MAX, 3_000, '… or this age.'),

  // Store
  storePathRootDir: text(() => join(homedir(), 'store'), 'Data directory, Apache layout.', notBlank),
  flushDiskType: oneOf(
    ['ASYNC_FLUSH', 'SYNC_FLUSH'],
    'ASYNC_FLUSH',
    'SYNC_FLUSH acknowledges a send after it is on disk.',
  ),
  mappedFileSizeCommitLog: whole('bytes', 4_096, 2 ** 30, 2 ** 30, 'Size of a commit log file.'),
  mappedFileSizeConsumeQueue: whole('bytes', 20, 2 ** 30, 300_000 * 20, 'Size of a consume queue file.'),
  flushIntervalCommitLog: whole('ms', 1, INT_MAX, 500, 'Interval of flushing under ASYNC_FLUSH.'),
  flushIntervalConsumeQueue: whole('ms', 1, INT_MAX, 1_000, 'Interval of flushing consume queues.'),
  fileReservedTime: whole('h', 1, INT_MAX, 72, 'Age at which commit log files may be deleted.'),
  deleteWhen: text('04', 'Hours of the day (HH[;HH…]) at which old files are deleted.'),
  messageIndexEnable: flag(true, 'Keep the index that finds messages by key.'),
  maxHashSlotNum: whole('slots', 1, 50_000_000, 5_000_000, 'Hash slots of an index file.'),
  maxIndexNum: whole('entries', 2, 200_000_000, 20_000_000, 'Entries of an index file.'),
  maxTransferBytesOnMessageInMemory: whole('bytes', 1, INT_MAX, 256 * 1024, 'Largest pull answer.'),
  defaultQueryMaxNum: whole('messages', 1, INT_MAX, 32, 'Most messages answered to a query by key.'),
} as const;

type OptionTable = typeof brokerOptionTable;
export type BrokerOptionName = keyof OptionTable;

/** Complete, checked, frozen options: what the broker runs with. */
export type BrokerOptions = {
  readonly [K in BrokerOptionName]: OptionTable[K] extends OptionRow<infer T> ? T : never;
};

/** What a user gives: any part of {@link BrokerOptions}. */
export type BrokerOptionValues = Partial<BrokerOptions>;

const rows: Readonly<Record<string, OptionRow<never>>> = brokerOptionTable;

/**
 * Fills in defaults and checks every value.
 * @throws ConfigurationError naming the key, the value and what it must be; also for keys that are not in the table.
 */
export function resolveBrokerOptions(given: BrokerOptionValues): BrokerOptions {
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(rows, key)) throw unknownKey(key);
  }
  const resolved: Record<string, unknown> = {};
  for (const [key, row] of Object.entries(rows) as [string, OptionRow<unknown>][]) {
    const value = (given as Record<string, unknown>)[key];
    resolved[key] = value === undefined ? defaultOf(row, given) : checked(key, row, value);
  }
  return Object.freeze(resolved) as unknown as BrokerOptions;
}

/**
 * Reads Apache's `broker.conf` (a Java properties file).
 * @param warn called once for each key that Apache 5.5.0 knows and this broker does not obey.
 * @throws ConfigurationError for keys that Apache does not know either, and for values of the wrong type or range.
 */
export function parseBrokerProperties(
  source: string,
  warn: (message: string) => void = () => undefined,
): BrokerOptionValues {
  const options: Record<string, unknown> = {};
  for (const [key, value] of parseProperties(source)) {
    if (Object.hasOwn(rows, key)) options[key] = fromText(key, rows[key] as OptionRow<unknown>, value.trim());
    else if (knownApacheKeys.has(key)) warn(`broker option ${key} is known to Apache RocketMQ but has no effect here`);
    else throw unknownKey(key);
  }
  return options as BrokerOptionValues;
}

function defaultOf(row: OptionRow<unknown>, given: BrokerOptionValues): unknown {
  return typeof row.default === 'function' ? row.default(given) : row.default;
}

function checked(key: string, row: OptionRow<unknown>, value: unknown): unknown {
  const rightType = row.kind === 'integer' ? Number.isSafeInteger(value) : typeof value === row.kind;
  const expected = rightType ? row.check?.(value) : `${row.kind === 'integer' ? 'an integer' : `a ${row.kind}`}`;
  if (expected !== undefined) throw wrongValue(key, row, value, expected);
  return value;
}

function fromText(key: string, row: OptionRow<unknown>, value: string): unknown {
  if (row.kind === 'string') return checked(key, row, value);
  if (row.kind === 'integer') return checked(key, row, /^[+-]?\d+$/.test(value) ? Number(value) : value);
  const lower = value.toLowerCase();
  return checked(key, row, lower === 'true' ? true : lower === 'false' ? false : value);
}

function wrongValue(key: string, row: OptionRow<unknown>, value: unknown, expected: string): ConfigurationError {
  const unit = row.unit === undefined ? '' : ` (${row.unit})`;
  return new ConfigurationError(`broker option ${key}${unit} is ${JSON.stringify(value)}: it must be ${expected}`, {
    context: { key, value, expected },
  });
}

function unknownKey(key: string): ConfigurationError {
  const hint = knownApacheKeys.has(key)
    ? 'Apache RocketMQ knows it, this broker does not: remove it'
    : 'check its spelling, or remove it';
  return new ConfigurationError(`unknown broker option ${key}: ${hint}`, { context: { key } });
}
