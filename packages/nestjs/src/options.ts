import type { LoggerService } from '@nestjs/common';
import type {
  ClientOptionsInput,
  OptionTable,
  SharedProducerOptionsInput,
  SharedPushConsumerOptions,
} from '@rocketnest/client';
import {
  ConfigurationError,
  clientOptionTable,
  nameServersOf,
  producerOptionTable,
  pushConsumerOptionTable,
} from '@rocketnest/client';
import type { CheckTable } from './checks.js';
import { checkOptions, must } from './checks.js';
import type { RocketMQInstrumentation } from './operations/instrumentation.js';
import type { PayloadDeserializer } from './payload/deserializer.js';
import type { PayloadSerializer } from './payload/serializer.js';
import type { PullConsumerOptions } from './receiver.js';
import { checkPullConsumer } from './receiver.js';
import type { EnsureTopics, TopicDeclaration } from './topics.js';
import { checkTopics, ENSURE } from './topics.js';

/** A name server and a broker inside this process, for development and tests. */
export interface EmbeddedOptions {
  /** Address to listen on and to announce, default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly namesrvPort?: number;
  /** Default 0: any free port. */
  readonly brokerPort?: number;
  /** Where the broker stores. Default: a temporary directory that is removed at shutdown, with all messages. */
  readonly rootDir?: string;
  /** More broker options, by Apache's keys: `{ messageDelayLevel: '1s 2s', flushDiskType: 'SYNC_FLUSH' }`. */
  readonly broker?: Readonly<Record<string, unknown>>;
}

/** Kinds of global enhancers (`app.useGlobal…`, `APP_…`). */
export type EnhancerKind = 'guards' | 'pipes' | 'interceptors' | 'filters';

/** What happens when no name server answers at start-up. */
export type StartMode = 'fail-fast' | 'wait' | 'background';

/** Client options that a connection decides itself. */
const OWN_CLIENT_KEYS = ['namesrvAddr', 'nameServerEndpoint', 'logger'] as const;
/** Consumer options that listeners decide, or that their containers must. */
const OWN_CONSUMER_KEYS = [
  'group',
  'shutdownTimeoutMs',
  'consumeMessageBatchMaxSize',
  'consumeMessageBatchWaitMs',
  'onError',
] as const;

export interface RocketMQModuleOptions {
  /**
   * Name servers: `'host:port;host:port'` or a list. Without this, `nameServerEndpoint` and `embedded`, the environment says where they are, as
   * with Apache's clients: `NAMESRV_ADDR`, or `ROCKETMQ_NAMESRV_DOMAIN` for a page.
   */
  readonly namesrvAddr?: string | readonly string[];
  /** A page whose first line lists the name servers, asked every two minutes. In place of `namesrvAddr`. */
  readonly nameServerEndpoint?: string;
  /** Start a name server and a broker in this process. Needs @rocketnest/namesrv and @rocketnest/broker. */
  readonly embedded?: boolean | EmbeddedOptions;
  /** Options of every client of this connection: timeouts, `addressMap`, `clientIp`, … */
  readonly client?: Omit<ClientOptionsInput, (typeof OWN_CLIENT_KEYS)[number]>;
  /**
   * Options of the producer behind the template. `group` is required for transactions only, and should then be the
   * service's own: the broker asks any producer of the group about unfinished transactions.
   */
  readonly producer?: Partial<SharedProducerOptionsInput>;
  /** Defaults of all consumers, below what a listener sets. */
  readonly consumer?: Omit<SharedPushConsumerOptions, (typeof OWN_CONSUMER_KEYS)[number]>;
  /** What `RocketMQTemplate.receive` reads. */
  readonly pullConsumer?: PullConsumerOptions;
  /** Topics the application needs; they are there before any consumer starts. Modules add theirs with `forFeature`. */
  readonly topics?: readonly TopicDeclaration[];
  /** What is done about declared topics that do not say it themselves. Default `create`. */
  readonly ensureTopics?: EnsureTopics;
  /** Default `JsonPayloadSerializer`. */
  readonly serializer?: PayloadSerializer;
  /** Default `JsonPayloadDeserializer`. */
  readonly deserializer?: PayloadDeserializer;
  /** Values for `'${key}'` in decorators, where the application has no ConfigService. */
  readonly resolver?: (key: string) => unknown;
  /** Default: Nest's Logger with the context `RocketMQ`. */
  readonly logger?: LoggerService;
  /** Also log what client and embedded servers do: connections, routes, rebalancing. At Nest's debug level. Default false. */
  readonly debug?: boolean;
  /**
   * Whether global guards, pipes, interceptors and filters also run for messages: all, none (default), or some kinds.
   * They are usually written for HTTP; those on the class or method always run.
   */
  readonly globalEnhancers?: boolean | readonly EnhancerKind[];
  /**
   * `fail-fast` (default): start-up fails unless a name server answers at once. `wait`: for `startTimeoutMs`, then it fails.
   * `background`: the application starts, and sends fail until a name server answers.
   */
  readonly startMode?: StartMode;
  /** Default 30000. */
  readonly startTimeoutMs?: number;
  /** Milliseconds that shutdown waits for running handlers, default 30000. */
  readonly shutdownTimeoutMs?: number;
  /** Milliseconds that `request`, `sendAndReceive` and `ClientRocketMQ.send` wait for a reply, default 5000. */
  readonly replyTimeoutMs?: number;
  /** Metrics, traces and the like, which watch this connection: `new RocketMQTracing()`, `new RocketMQMetrics()`. Default none. */
  readonly instrumentations?: readonly RocketMQInstrumentation[];
  /**
   * `false`: no group starts with the application, unless its listener says `autoStartup: true`; `registry.get(group).start()` starts one. For
   * processes that only send. Default true.
   */
  readonly autoStartup?: boolean;
  /** `false`: no producer, no consumers and no embedded broker in this process; the template refuses to send. */
  readonly enabled?: boolean;
}

const ENHANCER_KINDS: readonly unknown[] = ['guards', 'pipes', 'interceptors', 'filters'] satisfies EnhancerKind[];

export const isAddress = (text: unknown): boolean =>
  typeof text === 'string' &&
  text.split(';').every((part) => /^\s*(\[[0-9a-fA-F:]+\]|[^\s:;]+):\d{1,5}\s*$/.test(part));

const anObject = must.be('an object', (value) => typeof value === 'object' && value !== null && !Array.isArray(value));

/** The client's rows for its options, without those of `except`. */
const rowsOf = (table: OptionTable, except: readonly string[]): CheckTable =>
  Object.fromEntries(
    Object.entries(table)
      .filter(([key]) => !except.includes(key))
      .map(([key, { expected, accepts }]) => [key, must.be(expected, accepts)]),
  );

const embeddedTable: CheckTable = {
  host: must.beText,
  namesrvPort: must.beInteger(0, 65_535),
  brokerPort: must.beInteger(0, 65_535),
  rootDir: must.beText,
  broker: anObject,
};

const moduleTable: CheckTable = {
  namesrvAddr: must.be("'host:port', 'host:port;host:port' or a list of them", (value) =>
    Array.isArray(value) ? value.length > 0 && value.every(isAddress) : isAddress(value),
  ),
  nameServerEndpoint: must.be(
    clientOptionTable.nameServerEndpoint.expected,
    clientOptionTable.nameServerEndpoint.accepts,
  ),
  embedded: must.be('true, false or an object', (value) => typeof value === 'boolean' || anObject.accepts(value)),
  client: rowsOf(clientOptionTable, OWN_CLIENT_KEYS),
  producer: rowsOf(producerOptionTable, Object.keys(clientOptionTable)),
  consumer: rowsOf(pushConsumerOptionTable, [...Object.keys(clientOptionTable), ...OWN_CONSUMER_KEYS]),
  pullConsumer: anObject,
  topics: must.be('a list', Array.isArray),
  ensureTopics: must.beOneOf(...ENSURE),
  serializer: must.beObjectWith('serialize'),
  deserializer: must.beObjectWith('deserialize'),
  resolver: must.beFunction,
  logger: must.beObjectWith('log', 'error', 'warn'),
  debug: must.beBoolean,
  globalEnhancers: must.be(
    'true, false or a list of guards, pipes, interceptors, filters',
    (value) =>
      typeof value === 'boolean' || (Array.isArray(value) && value.every((kind) => ENHANCER_KINDS.includes(kind))),
  ),
  startMode: must.beOneOf('fail-fast', 'wait', 'background'),
  startTimeoutMs: must.beInteger(1),
  shutdownTimeoutMs: must.beInteger(0),
  replyTimeoutMs: must.beInteger(1),
  instrumentations: must.be(
    'a list of objects',
    (value) => Array.isArray(value) && value.every((entry) => anObject.accepts(entry)),
  ),
  autoStartup: must.beBoolean,
  enabled: must.beBoolean,
};

const DEFAULTS = {
  startMode: 'fail-fast',
  startTimeoutMs: 30_000,
  shutdownTimeoutMs: 30_000,
  replyTimeoutMs: 5_000,
  ensureTopics: 'create',
  globalEnhancers: false,
  instrumentations: [],
  debug: false,
  autoStartup: true,
  enabled: true,
} as const satisfies RocketMQModuleOptions;

export type CheckedModuleOptions = RocketMQModuleOptions & Required<Pick<RocketMQModuleOptions, keyof typeof DEFAULTS>>;

/**
 * @param path how the options were given, for error messages: `RocketMQModule 'orders'`
 * @throws ConfigurationError naming the path of the bad key
 */
export function checkModuleOptions(path: string, options: RocketMQModuleOptions): CheckedModuleOptions {
  checkOptions(path, options, moduleTable);
  if (typeof options.embedded === 'object') checkOptions(`${path}.embedded`, options.embedded, embeddedTable);
  if (options.pullConsumer !== undefined) checkPullConsumer(`${path}.pullConsumer`, options.pullConsumer);
  if (options.topics !== undefined) checkTopics(`${path}.topics`, options.topics);
  checkNameServers(path, options);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return Object.freeze({ ...DEFAULTS, ...given });
}

/** One way to find the cluster, and not two that may disagree. */
function checkNameServers(path: string, { namesrvAddr, nameServerEndpoint, embedded, enabled }: RocketMQModuleOptions) {
  const ways = Object.entries({ namesrvAddr, nameServerEndpoint, embedded: embedded || undefined });
  const given = ways.filter(([, value]) => value !== undefined).map(([name]) => name);
  if (given.length === 1) return;
  if (given.length === 0) {
    const environment = nameServersOf();
    const isThere = environment.namesrvAddr !== undefined || environment.nameServerEndpoint !== undefined;
    if (isThere || enabled === false) return;
  }
  const found = given.length === 0 ? 'no name server' : `${given.slice(0, -1).join(', ')} and ${given.at(-1)}`;
  throw new ConfigurationError(
    `${path} has ${found}. Give one of namesrvAddr: 'host:port;host:port' (a cluster), nameServerEndpoint: 'http://…' (a page that lists ` +
      'its name servers) and embedded: true (a broker inside this process), or none of them and set the environment variable NAMESRV_ADDR ' +
      '(addresses) or ROCKETMQ_NAMESRV_DOMAIN (a page).',
    { context: { path } },
  );
}
