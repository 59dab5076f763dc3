import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError, parseProperties } from '@rocketnest/protocol';
import { DEFAULT_TLS_CONFIG_FILE } from '@rocketnest/remoting';
import { type OptionRow, type StoreOptions, storeOptionTable } from '@rocketnest/store';
import { knownApacheKeys } from './apache-keys.js';
import { defaultBrokerIp } from './local-address.js';

/** The store's row shape, with defaults that may depend on the machine or on other options. */
export type BrokerOptionRow<T> = Omit<OptionRow<T>, 'default'> & {
  readonly default: T | ((given: Readonly<Record<string, unknown>>) => T);
};

type Default<T> = BrokerOptionRow<T>['default'];
/** Says what is wrong with a text, or null. */
type TextCheck = (value: string) => string | null;

const text = (byDefault: Default<string>, unit: string, doc: string, check: TextCheck): BrokerOptionRow<string> => ({
  type: 'text',
  default: byDefault,
  unit,
  doc,
  check: (value) => (typeof value === 'string' ? check(value) : `must be ${unit}`),
});

const bool = (byDefault: boolean, doc: string): BrokerOptionRow<boolean> => ({
  type: 'bool',
  default: byDefault,
  unit: 'true or false',
  doc,
  check: (value) => (typeof value === 'boolean' ? null : 'must be true or false'),
});

const int = (
  byDefault: Default<number>,
  unit: string,
  doc: string,
  min: number,
  max: number,
): BrokerOptionRow<number> => ({
  type: 'int',
  default: byDefault,
  unit,
  doc,
  check: (value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
      ? null
      : `must be a whole number of ${unit} from ${min} to ${max}`,
});

/** Counts only at start: ports, paths, names and file sizes. */
const atStart = <T>(row: BrokerOptionRow<T>): BrokerOptionRow<T> => ({ ...row, atStart: true });

/** One of several words, the first by default. */
const oneOf = (words: readonly [string, ...string[]], doc: string): BrokerOptionRow<string> =>
  text(words[0], words.map((word) => word || 'nothing').join(' or '), doc, (value) =>
    words.includes(value) ? null : `must be ${words.map((word) => word || 'nothing').join(' or ')}`,
  );

const notBlank: TextCheck = (value) => (value.trim() === '' ? 'must not be empty' : null);

/** Nothing, or a list of addresses. */
const addressList: TextCheck = (value) =>
  value === '' || value.split(';').every((address) => /^\s*(\[[0-9a-fA-F:]+\]|[^\s:;]+):\d{1,5}\s*$/.test(address))
    ? null
    : 'must be HOST:PORT[;HOST:PORT…]';

const INT_MAX = 2 ** 31 - 1;
const SAFE_MAX = Number.MAX_SAFE_INTEGER;

/**
 * The broker's own options: Apache's key, its type, default, range, unit and meaning. Defaults are Apache's
 * (`BrokerConfig`, `NettyServerConfig` of 5.5.0, after `BrokerStartup`) unless the row says otherwise.
 */
const ownOptionTable = {
  // Identity and addresses
  brokerName: atStart(
    text(
      hostname,
      'a name',
      'Name shared by a master and its slaves; clients address queues by it. Default: the host name.',
      notBlank,
    ),
  ),
  brokerClusterName: atStart(text('DefaultCluster', 'a name', 'Cluster that this broker registers in.', notBlank)),
  brokerId: atStart(
    int(0, 'id', '0 is the master. Replication is not available yet, so only 0 is useful.', 0, SAFE_MAX),
  ),
  brokerRole: atStart(
    text('ASYNC_MASTER', 'ASYNC_MASTER', 'Role in replication, which is not available yet.', (value) =>
      value === 'ASYNC_MASTER' ? null : 'must be ASYNC_MASTER: replication is not available yet',
    ),
  ),
  brokerPermission: int(6, 'bits', 'Permission of the whole broker: sum of 4 (read) and 2 (write).', 0, 7),
  bindAddress: atStart(text('0.0.0.0', 'an IP address', 'Local address to listen on.', notBlank)),
  listenPort: atStart(
    int(10_911, 'port', 'TCP port. 0 picks a free one, readable as `broker.port` after start.', 0, 65_535),
  ),
  haListenPort: atStart(int(0, 'port', 'Replication port announced to name servers. 0: listenPort + 1.', 0, 65_535)),
  brokerIP1: atStart(
    text(
      defaultBrokerIp,
      'an IP address or host name',
      'Address announced to clients. Default: the bind address when it is a real one, else an external IPv4 address of this ' +
        'machine (public before private), else 127.0.0.1.',
      notBlank,
    ),
  ),
  brokerIP2: text(
    (given) => (given['brokerIP1'] as string | undefined) ?? defaultBrokerIp(given),
    'an IP address or host name',
    'Address announced to slaves. Default: brokerIP1.',
    notBlank,
  ),
  namesrvAddr: text('', 'HOST:PORT[;HOST:PORT…]', 'Name servers to register with. Empty: none.', addressList),
  registerNameServerPeriod: int(
    30_000,
    'ms',
    'Interval of registration with every name server. Apache clamps other values silently.',
    10_000,
    60_000,
  ),
  registerBrokerTimeoutMills: int(24_000, 'ms', 'Time allowed for one registration request.', 1, INT_MAX),
  forceRegister: bool(
    true,
    'Register at every interval. false: ask each name server first, and register with those that have other topics.',
  ),
  compressedRegister: bool(false, 'Compress registrations. A name server takes no more than 16 MiB at a time.'),
  forwardTimeout: int(3_000, 'ms', 'Time allowed for a request to another broker (static topics).', 1, INT_MAX),
  serverChannelMaxIdleTimeSeconds: int(
    120,
    's',
    'Connections silent for this long are closed; holds for new ones.',
    1,
    2_000_000,
  ),
  // System properties of Java there, not keys of broker.conf.
  'tls.server.mode': atStart(
    oneOf(
      ['permissive', 'enforcing', 'disabled'],
      'Whether the port takes plain and TLS clients, only TLS ones, or only plain ones.',
    ),
  ),
  'tls.enable': atStart(
    oneOf(
      ['', 'true', 'false'],
      'Whether connections to name servers and other brokers use TLS. Empty: when tls.server.mode is enforcing.',
    ),
  ),
  'tls.config.file': atStart(
    text(
      DEFAULT_TLS_CONFIG_FILE,
      'a file',
      "Certificates, in Apache's tls.properties. Without a file there: self-signed ones.",
      notBlank,
    ),
  ),

  // Topics
  autoCreateTopicEnable: bool(true, 'Create unknown topics on first send, after the settings of TBW102.'),
  defaultTopicQueueNums: int(8, 'queues', 'Upper limit of queues of an auto-created topic.', 1, 65_535),
  clusterTopicEnable: bool(true, 'The topic named like the cluster may be written and read.'),
  brokerTopicEnable: bool(true, 'The topic named like the broker may be written and read.'),
  traceTopicEnable: bool(false, 'Create the message trace topic.'),
  msgTraceTopicName: atStart(text('RMQ_SYS_TRACE_TOPIC', 'a topic', 'Name of the message trace topic.', notBlank)),
  validateSystemTopicWhenUpdateTopic: bool(true, 'Refuse to create, change or delete system topics by admin request.'),
  enableMixedMessageType: bool(false, 'Topics may take messages of all types (message.type MIXED).'),
  clearRetryTopicWhenDeleteTopic: bool(true, 'Deleting a topic also deletes the pop retry topics of its groups.'),
  reviveQueueNum: atStart(int(8, 'queues', 'Queues of the pop revive topic.', 1, 65_535)),

  // Consumer groups and clients
  autoCreateSubscriptionGroup: bool(true, 'Create unknown consumer groups on first use.'),
  enableCreateSysGroup: bool(true, 'Create system groups (CID_RMQ_SYS_…) on first use in any case.'),
  notifyConsumerIdsChangedEnable: bool(true, 'Tell the members of a group when its membership changes.'),
  channelExpiredTimeout: int(120_000, 'ms', 'A consumer without heartbeat for this long is dropped.', 1, SAFE_MAX),
  subscriptionExpiredTimeout: int(600_000, 'ms', 'A pulled subscription this old is forgotten.', 1, SAFE_MAX),

  // Send
  regionId: text('DefaultRegion', 'a name', 'Region put into messages and send responses (MSG_REGION).', notBlank),
  traceOn: bool(true, 'TRACE_ON in messages and send responses: clients may record traces.'),
  brokerFastFailureEnable: bool(true, 'Refuse sends at once while the disk does not take any.'),
  osPageCacheBusyTimeOutMills: int(
    1_000,
    'ms',
    '… which is when no message could be written for this long.',
    1,
    INT_MAX,
  ),
  sendThreadPoolQueueCapacity: int(10_000, 'messages', 'Sends under way; further ones are refused.', 1, INT_MAX),
  replyThreadPoolQueueCapacity: int(10_000, 'messages', 'Replies under way; further ones are refused.', 1, INT_MAX),
  storeReplyMessageEnable: bool(true, 'Keep replies of request-reply in the topic <cluster>_REPLY_TOPIC.'),
  startAcceptSendRequestTimeStamp: int(0, 'ms since 1970', 'Sends before this moment are refused.', 0, SAFE_MAX),

  // Pull and offsets
  longPollingEnable: bool(
    true,
    'Hold pulls that find nothing until messages arrive or the time the client gave is over.',
  ),
  shortPollingTimeMills: int(1_000, 'ms', 'How long such pulls wait when long polling is off.', 1, INT_MAX),
  pullThreadPoolQueueCapacity: int(
    100_000,
    'pulls',
    'Pulls that read from disk; further ones are refused.',
    1,
    INT_MAX,
  ),
  litePullMessageEnable: bool(true, 'Accept LITE_PULL_MESSAGE.'),
  rejectPullConsumerEnable: bool(false, 'Refuse pull consumers that do not send heartbeats.'),
  enablePropertyFilter: bool(false, 'Accept subscriptions by SQL92 expressions over message properties.'),
  filterSupportRetry: bool(false, 'Apply SQL92 filters to messages that are tried again, too.'),
  filterDataCleanTimeSpan: int(
    86_400_000,
    'ms',
    'A filter whose consumers left this long ago is forgotten.',
    0,
    SAFE_MAX,
  ),
  maxErrorRateOfBloomFilter: atStart(
    int(20, '%', 'Error rate of the bloom bits kept in config/consumerFilter.json.', 1, 99),
  ),
  expectConsumerNumUseFilter: atStart(int(32, 'groups', 'Groups that share one map of these bits.', 1, 65_536)),
  useServerSideResetOffset: bool(true, 'Offset resets are kept by the broker and take effect on the next pull.'),
  flushConsumerOffsetInterval: int(5_000, 'ms', 'Interval of writing config/consumerOffset.json.', 1, INT_MAX),
  consumerOffsetUpdateVersionStep: int(500, 'commits', 'Commits per dataVersion step of the offsets.', 1, SAFE_MAX),
  enableSplitMetadata: bool(
    true,
    'Lists of topics and consumer groups are answered in pages to whoever asks for pages.',
  ),
  splitMetadataSize: int(2_000, 'entries', 'Most topics or consumer groups in one page.', 1, INT_MAX),
  defaultQueryMaxNum: int(32, 'messages', 'Most messages answered to a query by unique id.', 1, INT_MAX),

  // Pop: consuming without queue ownership
  popPollingSize: int(1_024, 'requests', 'Most pops held of one group and queue.', 1, INT_MAX),
  maxPopPollingSize: int(100_000, 'requests', 'Most pops held altogether.', 1, SAFE_MAX),
  popLongPollingForceNotifyInterval: int(
    800,
    'messages',
    'A message whose queue offset is a multiple of this wakes a held pop whatever its filter says. 0: none.',
    0,
    SAFE_MAX,
  ),
  initPopOffsetByCheckMsgInMem: bool(
    true,
    'A group without offset that starts at the end gets a young queue from its beginning.',
  ),
  popFromRetryProbability: int(20, 'percent', 'Pops that look at the retry topic first.', 0, 100),
  popFromRetryProbabilityForPriority: int(0, 'percent', 'The same for priority topics.', 0, 100),
  priorityOrderAsc: bool(true, 'Priority topics: queues with higher ids are popped first.'),
  enableRetryTopicV2: bool(false, 'Name retry topics %RETRY%group+topic instead of %RETRY%group_topic.'),
  retrieveMessageFromPopRetryTopicV1: bool(
    true,
    'With enableRetryTopicV2, still pop from retry topics named the old way.',
  ),
  useSeparateRetryQueue: bool(false, 'As many retry queues as the topic has queues, instead of one.'),
  popResponseReturnActualRetryTopic: bool(
    false,
    'Answer messages of a retry topic with its name instead of the name of the topic that was asked for.',
  ),
  enablePopMessageThreshold: bool(false, 'Obey popInflightMessageThreshold.'),
  popInflightMessageThreshold: int(
    10_000,
    'messages',
    'A queue with more messages that a group popped and did not acknowledge is not popped by it.',
    0,
    SAFE_MAX,
  ),
  enableNotifyAfterPopOrderLockRelease: bool(true, 'Wake held pops when an orderly queue becomes free again.'),
  useMessageFilterForNotification: bool(true, 'NOTIFICATION obeys the expression it carries.'),
  maxMessageFilterNumForNotification: int(
    64,
    'messages',
    'NOTIFICATION looks through a backlog smaller than this; a larger one counts as a match.',
    0,
    INT_MAX,
  ),
  reviveInterval: int(1_000, 'ms', 'Interval of returning popped messages that were not acknowledged.', 1, INT_MAX),
  skipWhenCKRePutReachMaxTimes: bool(false, 'Give up a message whose return failed 17 times.'),
  enablePopBufferMerge: bool(
    false,
    'Keep check points and acknowledgements in memory for a while: what is acknowledged in time is never written. A crash ' +
      'then brings acknowledged messages again.',
  ),
  popCkStayBufferTime: int(10_000, 'ms', 'Longest stay of a check point in that memory.', 0, INT_MAX),
  popCkStayBufferTimeOut: int(3_000, 'ms', 'It is written this long before its messages become visible.', 0, INT_MAX),
  popCkMaxBufferSize: int(200_000, 'check points', 'Most check points in that memory.', 0, INT_MAX),
  popCkOffsetMaxQueueSize: int(20_000, 'check points', 'Most of them of one group and queue.', 0, INT_MAX),
  enablePopBatchAck: bool(false, 'Write the acknowledgements of one check point of that memory as one message.'),

  // Server-side assignment
  serverLoadBalancerEnable: bool(true, 'Share queues among the members of a group; else everybody gets all queues.'),
  defaultMessageRequestMode: text('PULL', 'PULL or POP', 'How groups consume that nobody set a mode for.', (value) =>
    value === 'PULL' || value === 'POP' ? null : 'must be PULL or POP',
  ),
  defaultPopShareQueueNum: int(
    -1,
    'members',
    'How many further members share the queues of a member in that mode POP. 0 or less: everybody pops all queues.',
    -1,
    INT_MAX,
  ),
  loadBalancePollNameServerInterval: int(30_000, 'ms', 'Interval of asking for the routes used in that.', 1, INT_MAX),

  // Delay levels (the levels themselves are the store's messageDelayLevel)
  flushDelayOffsetInterval: int(10_000, 'ms', 'Interval of writing config/delayOffset.json.', 1, INT_MAX),
  delayOffsetUpdateVersionStep: int(200, 'updates', 'Offset updates per dataVersion step.', 1, SAFE_MAX),

  // Timer messages (their files and limits are the store's timer… options)
  recallMessageEnable: bool(false, 'Senders may take back timer messages that are not due yet (RECALL_MESSAGE).'),
  allowRecallWhenBrokerNotWriteable: bool(true, '… also while the broker takes no messages (brokerPermission).'),

  // Transactions
  rejectTransactionMessage: bool(false, 'Refuse transactional sends.'),
  transactionTimeOut: int(6_000, 'ms', 'Age of a half message before its first check-back.', 0, SAFE_MAX),
  transactionCheckMax: int(15, 'checks', 'Check-backs before a half message is given up.', 1, INT_MAX),
  transactionCheckInterval: int(30_000, 'ms', 'Interval of the check-back scan.', 1, INT_MAX),
  transactionOpMsgMaxSize: int(4_096, 'bytes', 'Op messages are written when they reach this size …', 1, INT_MAX),
  transactionOpBatchInterval: int(3_000, 'ms', '… or this age.', 1, INT_MAX),

  storePathRootDir: atStart(
    text(() => join(homedir(), 'store'), 'a directory', "Data directory, in Apache's layout.", notBlank),
  ),
  brokerConfigPath: atStart(
    text(
      (given) => join(String(given['storePathRootDir'] ?? join(homedir(), 'store')), 'config', 'broker.properties'),
      'a file',
      'Where UPDATE_BROKER_CONFIG writes all options: the file given with -c. Default: config/broker.properties in the data ' +
        'directory, which is read only when it is given with -c.',
      notBlank,
    ),
  ),
  configBlackList: text(
    'configBlackList;brokerConfigPath',
    'keys separated by ;',
    'Options that UPDATE_BROKER_CONFIG must not change.',
    () => null,
  ),

  // Statistics
  autoDeleteUnusedStats: bool(false, 'Deleting a topic or group drops its statistics.'),
  enableDetailStat: atStart(bool(true, 'Count puts and gets per queue, too (QUEUE_PUT_NUMS …).')),
  maxStatsIdleTimeInMinutes: int(
    -1,
    'min',
    'Statistics of topics and groups idle for this long are dropped; -1: never, 0 to 10 count as 30.',
    -1,
    INT_MAX,
  ),
} as const;

/** All options: the broker's own and the store's. */
export const brokerOptionTable = { ...ownOptionTable, ...storeOptionTable } as const;

type OptionTable = typeof brokerOptionTable;
export type BrokerOptionName = keyof OptionTable;

/** Complete, checked, frozen options: what the broker runs with. */
export type BrokerOptions = StoreOptions & {
  readonly [K in keyof typeof ownOptionTable]: (typeof ownOptionTable)[K] extends BrokerOptionRow<infer T> ? T : never;
};

/** What a user gives: any part of {@link BrokerOptions}. */
export type BrokerOptionValues = Partial<BrokerOptions>;

type AnyRow = BrokerOptionRow<unknown>;
const rows: Readonly<Record<string, AnyRow>> = brokerOptionTable as Readonly<Record<string, AnyRow>>;

/**
 * Fills in defaults and checks every value.
 * @throws ConfigurationError naming the key, the value and what it must be; also for keys that are not in the table.
 */
export function resolveBrokerOptions(given: BrokerOptionValues): BrokerOptions {
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(rows, key)) throw unknownKey(key);
  }
  const resolved: Record<string, unknown> = {};
  for (const [key, row] of Object.entries(rows)) {
    const value = (given as Record<string, unknown>)[key];
    if (value === undefined) resolved[key] = typeof row.default === 'function' ? row.default(given) : row.default;
    else resolved[key] = checked(key, row, value);
  }
  return Object.freeze(resolved) as unknown as BrokerOptions;
}

/** The part of the options that the store obeys. */
export function storeOptionsOf(options: BrokerOptions): StoreOptions {
  const keys = Object.keys(storeOptionTable) as (keyof StoreOptions)[];
  return Object.fromEntries(keys.map((key) => [key, options[key]])) as unknown as StoreOptions;
}

/** The row of a key; undefined when this broker does not have the option. */
export function brokerOptionRow(key: string): BrokerOptionRow<unknown> | undefined {
  return Object.hasOwn(rows, key) ? rows[key] : undefined;
}

/**
 * The value that a text means for an option.
 * @throws ConfigurationError when there is no such option, and when the text is of the wrong type or out of range
 */
export function readBrokerOption(key: string, source: string): unknown {
  const row = brokerOptionRow(key);
  if (row === undefined) throw unknownKey(key);
  return checked(key, row, readers[row.type](source.trim()));
}

/** What a configuration file says. */
export interface BrokerProperties {
  readonly options: BrokerOptionValues;
  /** Keys that Apache 5.5.0 knows and this broker does not obey. */
  readonly foreign: ReadonlyMap<string, string>;
}

/**
 * Reads Apache's `broker.conf` (a Java properties file).
 * @throws ConfigurationError for keys that Apache does not know either, and for values of the wrong type or range.
 */
export function readBrokerProperties(source: string): BrokerProperties {
  const options: Record<string, unknown> = {};
  const foreign = new Map<string, string>();
  for (const [key, value] of parseProperties(source)) {
    if (brokerOptionRow(key) !== undefined) options[key] = readBrokerOption(key, value);
    else if (knownApacheKeys.has(key)) foreign.set(key, value.trim());
    else throw unknownKey(key);
  }
  return { options: options as BrokerOptionValues, foreign };
}

/**
 * The options in Apache's `broker.conf`, see {@link readBrokerProperties}.
 * @param warn called once for each key that Apache 5.5.0 knows and this broker does not obey.
 */
export function parseBrokerProperties(
  source: string,
  warn: (message: string) => void = () => undefined,
): BrokerOptionValues {
  const { options, foreign } = readBrokerProperties(source);
  for (const key of foreign.keys()) warn(`broker option ${key} is known to Apache RocketMQ but has no effect here`);
  return options;
}

/** Text to value by row type; what cannot be read stays text, for the check to refuse. */
const readers: Readonly<Record<AnyRow['type'], (value: string) => unknown>> = {
  text: (value) => value,
  int: (value) => (/^[+-]?\d+$/.test(value) ? Number(value) : value),
  bool: (value) => ({ true: true, false: false })[value.toLowerCase()] ?? value,
};

function checked(key: string, row: AnyRow, value: unknown): unknown {
  const wrong = row.check(value);
  if (wrong === null) return value;
  throw new ConfigurationError(`broker option ${key} ${wrong}, got ${JSON.stringify(value)}`, {
    context: { key, value },
  });
}

function unknownKey(key: string): ConfigurationError {
  const advice = knownApacheKeys.has(key)
    ? 'Apache RocketMQ knows it, this broker does not obey it: remove it'
    : 'check its spelling, or remove it';
  return new ConfigurationError(`unknown broker option ${key}: ${advice}`, { context: { key } });
}
