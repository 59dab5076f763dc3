import { ConfigurationError, parseProperties } from '@rocketnest/protocol';
import { DEFAULT_TLS_CONFIG_FILE } from '@rocketnest/remoting';

interface Row<T extends string | number | boolean> {
  readonly type: 'text' | 'int' | 'bool';
  /** The only values it takes. */
  readonly words?: readonly string[];
  /** Apache's key in namesrv.conf and GET/UPDATE_NAMESRV_CONFIG. */
  readonly javaKey: string;
  readonly default: T;
  readonly unit: string;
  readonly doc: string;
  readonly min?: number;
  readonly max?: number;
}

const text = (javaKey: string, byDefault: string, unit: string, doc: string): Row<string> => ({
  type: 'text',
  javaKey,
  default: byDefault,
  unit,
  doc,
});

/** One of several words, the first by default. */
const words = (javaKey: string, allowed: readonly [string, ...string[]], doc: string): Row<string> => ({
  ...text(javaKey, allowed[0], allowed.map((word) => word || 'nothing').join(' or '), doc),
  words: allowed,
});

const int = (javaKey: string, byDefault: number, unit: string, min: number, max: number, doc: string): Row<number> => ({
  type: 'int',
  javaKey,
  default: byDefault,
  unit,
  min,
  max,
  doc,
});

const bool = (javaKey: string, byDefault: boolean, doc: string): Row<boolean> => ({
  type: 'bool',
  javaKey,
  default: byDefault,
  unit: 'true or false',
  doc,
});

const INT_MAX = 2 ** 31 - 1;

/** The name server's options; defaults are those of 5.5.0 (`NamesrvConfig`, `NettyServerConfig`) unless the row says otherwise. */
export const namesrvOptionTable = {
  host: text('bindAddress', '0.0.0.0', 'an IP address', 'Local address to listen on.'),
  port: int('listenPort', 9876, 'port', 0, 65_535, 'TCP port. 0 picks a free one, readable as `port` after start.'),
  idleTimeoutSeconds: int(
    'serverChannelMaxIdleTimeSeconds',
    120,
    's',
    1,
    2_000_000,
    'Connections silent for this long are closed.',
  ),
  tlsMode: words(
    'tls.server.mode',
    ['permissive', 'enforcing', 'disabled'],
    'Whether the port takes plain and TLS clients, only TLS ones, or only plain ones. A system property of Java there.',
  ),
  tlsEnable: words(
    'tls.enable',
    ['', 'true', 'false'],
    'Whether notifications of brokers use TLS. Empty: when tls.server.mode is enforcing. A system property of Java there.',
  ),
  tlsConfigFile: text(
    'tls.config.file',
    DEFAULT_TLS_CONFIG_FILE,
    'a file',
    "Certificates, in Apache's tls.properties. Without a file there: self-signed ones. A system property of Java there.",
  ),
  kvConfigPath: text(
    'kvConfigPath',
    '',
    'a file',
    "Where the key-value configuration is kept, in Apache's format. Empty: in memory only. Apache: ~/namesrv/kvConfig.json.",
  ),
  configStorePath: text(
    'configStorePath',
    '',
    'a file',
    'Where UPDATE_NAMESRV_CONFIG writes the options. Empty: changes last until the name server stops.',
  ),
  scanIntervalMs: int('scanNotActiveBrokerInterval', 5_000, 'ms', 1, INT_MAX, 'How often dead brokers are looked for.'),
  brokerExpiryMs: int(
    'brokerChannelExpiredTime',
    120_000,
    'ms',
    1,
    INT_MAX,
    'Silence after which a broker that names no heartbeatTimeoutMillis is dead. Not a key of Apache: a constant there.',
  ),
  orderMessageEnable: bool(
    'orderMessageEnable',
    false,
    'Routes carry the orderTopicConf of namespace ORDER_TOPIC_CONFIG.',
  ),
  returnOrderTopicConfigToBroker: bool(
    'returnOrderTopicConfigToBroker',
    true,
    'Brokers get the namespace ORDER_TOPIC_CONFIG when they register.',
  ),
  supportActingMaster: bool(
    'supportActingMaster',
    false,
    'Routes show the first slave of a group without master as its master, where the group enabled it.',
  ),
  notifyMinBrokerIdChanged: bool(
    'notifyMinBrokerIdChanged',
    false,
    'Tell the members of a broker group when its lowest id changes.',
  ),
  deleteTopicWithBrokerRegistration: bool(
    'deleteTopicWithBrokerRegistration',
    false,
    'A registration removes the topics it does not name.',
  ),
  enableAllTopicList: bool('enableAllTopicList', true, 'Answer GET_ALL_TOPIC_LIST_FROM_NAMESERVER.'),
  enableTopicList: bool('enableTopicList', true, 'Answer requests for the topics of a cluster and for unit topics.'),
  needWaitForService: bool('needWaitForService', false, 'Refuse routes for waitSecondsForService after start.'),
  waitSecondsForService: int('waitSecondsForService', 45, 's', 0, INT_MAX, 'See needWaitForService.'),
  configBlackList: text(
    'configBlackList',
    'configBlackList;configStorePath;kvConfigPath',
    'keys separated by ;',
    'Keys that UPDATE_NAMESRV_CONFIG must not change, beside the three of the default, which never change.',
  ),
} as const;

type Table = typeof namesrvOptionTable;

/** What the name server runs with. */
export type NameServerConfig = { -readonly [K in keyof Table]: Table[K] extends Row<infer T> ? T : never };

/** Keys of Apache 5.5.0 without an effect here: they size thread pools and buffers, or run a controller, which is not here. */
const ignoredApacheKeys: ReadonlySet<string> = new Set(
  `rocketmqHome productEnvName clusterTest clientRequestThreadPoolNums defaultThreadPoolNums clientRequestThreadPoolQueueCapacity
  defaultThreadPoolQueueCapacity unRegisterBrokerQueueCapacity enableControllerInNamesrv serverWorkerThreads
  serverCallbackExecutorThreads serverSelectorThreads serverOnewaySemaphoreValue serverAsyncSemaphoreValue serverSocketSndBufSize
  serverSocketRcvBufSize writeBufferHighWaterMark writeBufferLowWaterMark serverSocketBacklog serverNettyWorkerGroupEnable
  serverPooledByteBufAllocatorEnable enableShutdownGracefully shutdownWaitTimeSeconds useEpollNativeSelector clientWorkerThreads
  clientCallbackExecutorThreads clientOnewaySemaphoreValue clientAsyncSemaphoreValue connectTimeoutMillis channelNotActiveInterval
  clientChannelMaxIdleTimeSeconds clientSocketSndBufSize clientSocketRcvBufSize clientPooledByteBufAllocatorEnable
  clientCloseSocketIfTimeout useTLS socksProxyConfig disableCallbackExecutor disableNettyWorkerGroup
  maxReconnectIntervalTimeSeconds enableReconnectForGoAway controllerType controllerThreadPoolNums
  controllerRequestThreadPoolQueueCapacity controllerDLegerGroup controllerDLegerPeers controllerDLegerSelfId mappedFileSize
  controllerStorePath electMasterMaxRetryCount enableElectUncleanMaster isProcessReadEvent notifyBrokerRoleChanged
  scanInactiveMasterInterval metricsExporterType`.split(/\s+/),
);

const rows = Object.entries(namesrvOptionTable) as [keyof NameServerConfig, Row<string | number | boolean>][];
const nameOfJavaKey = new Map(rows.map(([name, row]) => [row.javaKey, name]));

/**
 * Fills in defaults and checks every value.
 * @throws ConfigurationError naming the option, its value and what it must be.
 */
export function resolveConfig(given: Partial<NameServerConfig>): NameServerConfig {
  return Object.fromEntries(
    rows.map(([name, row]) => [name, given[name] === undefined ? row.default : check(name, row, given[name])]),
  ) as unknown as NameServerConfig;
}

/**
 * Reads Apache's namesrv.conf (a Java properties file).
 * @param warn called for each key that Apache 5.5.0 knows and this name server does not obey.
 * @throws ConfigurationError for keys Apache does not know either, and for values of the wrong type or range.
 */
export function parseNamesrvProperties(
  source: string,
  warn: (message: string) => void = () => {},
): Partial<NameServerConfig> {
  const values: Record<string, unknown> = {};
  for (const [key, written] of parseProperties(source)) {
    const name = nameOfJavaKey.get(key);
    if (name !== undefined) values[name] = readAs(key, namesrvOptionTable[name], written.trim());
    else if (ignoredApacheKeys.has(key))
      warn(`name server option ${key} is known to Apache RocketMQ but has no effect here`);
    else
      throw new ConfigurationError(`unknown name server option ${key}: check its spelling, or remove it`, {
        context: { key },
      });
  }
  return values as Partial<NameServerConfig>;
}

/** Apache's keys and their values, as GET_NAMESRV_CONFIG answers. */
export function configEntries(config: NameServerConfig): [string, string | number | boolean][] {
  return rows.map(([name, row]) => [row.javaKey, config[name]]);
}

function readAs(key: string, row: Row<string | number | boolean>, written: string): unknown {
  const value = { text: () => written, int: () => Number(written), bool: () => readBool(written) }[row.type]();
  return check(key, row, written === '' && row.type !== 'text' ? written : value);
}

function readBool(written: string): unknown {
  return { true: true, false: false }[written.toLowerCase()] ?? written;
}

function check(key: string, row: Row<string | number | boolean>, value: unknown): unknown {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = row;
  const right =
    row.type === 'int'
      ? Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
      : typeof value === (row.type === 'text' ? 'string' : 'boolean') &&
        (row.words === undefined || row.words.includes(value as string));
  if (right) return value;
  const expected = row.type === 'int' ? `a whole number of ${row.unit} from ${min} to ${max}` : row.unit;
  throw new ConfigurationError(`name server option ${key} must be ${expected}, got ${JSON.stringify(value)}`, {
    context: { key, value },
  });
}
