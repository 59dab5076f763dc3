import type { ClientOptionsInput, SharedPushConsumerOptions } from '@rocketnest/client';
import { ConfigurationError } from '@rocketnest/client';
import { checkOptions, must, show } from '../checks.js';
import type { RocketMQListenerOptions } from '../decorators/listener.js';
import { parseTags, type Subscription } from '../destination.js';
import type { ValueResolver } from '../values.js';
import { furtherConsumerTable, LITERAL_KEYS, type ListenerOptionKey, listenerTable } from './listener-table.js';

/** Which decorator made a listener. */
export type ListenerKind = 'RocketMQMessageListener' | 'RocketMQReplyListener' | 'RocketMQDlqListener';

/** Options of the group's consumer. A listener holds the ones it sets; the group's listeners must agree on them. */
export type ConsumerSettings = Omit<Partial<SharedPushConsumerOptions>, 'group'> & { readonly autoStartup?: boolean };

/** Options of the connections of a group that has its own; the same rules. */
export type ClientSettings = Pick<
  ClientOptionsInput,
  'namesrvAddr' | 'tls' | 'namespace' | 'namespaceV2' | 'instanceName'
> & { readonly accessKey?: string; readonly secretKey?: string };

/** A listener's options with all values known. */
export interface ListenerSettings {
  readonly enabled: boolean;
  readonly subscription: Subscription;
  readonly group: string;
  readonly id: string | undefined;
  readonly consumer: ConsumerSettings;
  /** Default: what the connection has. */
  readonly client?: ClientSettings;
  /** -1: dead letter, 0: the broker chooses, 1..18. */
  readonly delayLevel: number;
  /** `undefined`: the consumer's default. */
  readonly suspendMs: number | undefined;
  /** Whether the handler gets arrays. */
  readonly batch?: boolean;
  /** Set when what the handler returns is sent to the requester. */
  readonly reply?: { readonly timeoutMs: number };
}

const CONSUME_FROM = { CONSUME_FROM_LAST_OFFSET: 'LAST_OFFSET', CONSUME_FROM_FIRST_OFFSET: 'FIRST_OFFSET' } as const;

/** rocketmq-spring's consumeThreadNumber and replyTimeout. */
const DEFAULT_CONCURRENCY = 20;
const DEFAULT_REPLY_TIMEOUT_MS = 3_000;
/** What `batch: true` means. */
const DEFAULT_BATCH_SIZE = 32;

/** `checkOptions` only looks for unknown keys here: values are checked once they are known. */
const anyValue = must.be('anything', () => true);
const keysOf = (without: readonly ListenerOptionKey[]) =>
  Object.fromEntries(
    Object.keys(listenerTable)
      .filter((key) => !without.includes(key as ListenerOptionKey))
      .map((key) => [key, anyValue]),
  );

const KEYS_OF_KIND: Readonly<Record<ListenerKind, ReturnType<typeof keysOf>>> = {
  RocketMQMessageListener: keysOf(['replyTimeout']),
  RocketMQReplyListener: keysOf(['batch']),
  RocketMQDlqListener: keysOf(['replyTimeout']),
};

/** Options after their values were resolved and checked. */
interface PlainOptions {
  topic?: string;
  consumerGroup?: string;
  selectorType?: 'TAG' | 'SQL92';
  selectorExpression?: string;
  consumeMode?: 'CONCURRENTLY' | 'ORDERLY';
  messageModel?: 'CLUSTERING' | 'BROADCASTING';
  consumeThreadNumber?: number;
  consumeThreadMax?: number;
  concurrency?: number;
  maxReconsumeTimes?: number;
  consumeTimeout?: number;
  delayLevelWhenNextConsume?: number;
  suspendCurrentQueueTimeMillis?: number;
  consumeFromWhere?: keyof typeof CONSUME_FROM;
  consumeFromTimestamp?: Date;
  pullBatchSize?: number;
  pullInterval?: number;
  consumeMessageBatchMaxSize?: number;
  awaitTerminationMillisWhenShutdown?: number;
  replyTimeout?: number;
  enableMsgTrace?: boolean;
  customizedTraceTopic?: string;
  nameServer?: string;
  accessKey?: string;
  secretKey?: string;
  tlsEnable?: boolean;
  namespace?: string;
  namespaceV2?: string;
  instanceName?: string;
  batch?: boolean | { size: number; timeoutMs?: number };
  rateLimit?: number;
  clientRebalance?: boolean;
  consumer?: ConsumerSettings;
  id?: string;
  enabled?: boolean;
  autoStartup?: boolean;
}

/**
 * @param label the listener's `Class.method`
 * @throws ConfigurationError naming the listener and the option
 */
export function readListenerOptions(
  label: string,
  options: RocketMQListenerOptions,
  values: ValueResolver,
  kind: ListenerKind = 'RocketMQMessageListener',
): ListenerSettings {
  const path = `${label} @${kind}`;
  checkOptions(path, options, KEYS_OF_KIND[kind]);
  const plain = resolve(path, options, values);
  if (plain.consumer !== undefined) checkOptions(`${path}.consumer`, plain.consumer, furtherConsumerTable);
  const { topic, consumerGroup: group } = plain;
  if (topic === undefined || group === undefined) {
    throw new ConfigurationError(`${path} needs ${topic === undefined ? 'a topic' : 'a consumerGroup'}.`);
  }
  return {
    enabled: plain.enabled ?? true,
    subscription: subscriptionOf(path, topic, plain),
    group,
    id: plain.id,
    consumer: consumerSettings(path, plain),
    client: clientSettings(path, plain),
    delayLevel: plain.delayLevelWhenNextConsume ?? 0,
    suspendMs: plain.suspendCurrentQueueTimeMillis,
    batch: plain.batch !== undefined && plain.batch !== false,
    ...(kind === 'RocketMQReplyListener'
      ? { reply: { timeoutMs: plain.replyTimeout ?? DEFAULT_REPLY_TIMEOUT_MS } }
      : {}),
  };
}

function resolve(path: string, options: RocketMQListenerOptions, values: ValueResolver): PlainOptions {
  const plain: PlainOptions = {};
  for (const [key, row] of Object.entries(listenerTable)) {
    const value = options[key as keyof RocketMQListenerOptions];
    if (value === undefined) continue;
    const resolved = LITERAL_KEYS.has(key) ? value : values.resolve(`${path}.${key}`, value, row);
    if (LITERAL_KEYS.has(key)) checkOptions(path, { [key]: value }, listenerTable);
    // A placeholder's empty default means that nothing is set.
    if (resolved !== '') Object.assign(plain, { [key]: resolved });
  }
  return plain;
}

function subscriptionOf(path: string, topic: string, { selectorType, selectorExpression }: PlainOptions): Subscription {
  if (selectorType !== 'SQL92') return { topic, tags: parseTags(selectorExpression ?? '*') };
  if (selectorExpression === undefined) {
    throw new ConfigurationError(
      `${path} has selectorType SQL92 and no selectorExpression. Give a condition like 'amount > 100'.`,
    );
  }
  return { topic, tags: undefined, sql92: selectorExpression };
}

function consumerSettings(path: string, plain: PlainOptions): ConsumerSettings {
  const { consumeFromWhere, consumeFromTimestamp } = plain;
  return given<ConsumerSettings>({
    ...plain.consumer,
    consumeMode: plain.consumeMode,
    messageModel: plain.messageModel,
    concurrency: concurrencyOf(path, plain),
    maxReconsumeTimes: plain.maxReconsumeTimes,
    consumeTimeoutMs: plain.consumeTimeout === undefined ? undefined : plain.consumeTimeout * 60_000,
    consumeFrom: consumeFromTimestamp ?? (consumeFromWhere === undefined ? undefined : CONSUME_FROM[consumeFromWhere]),
    consumeMessageBatchMaxSize: batchSizeOf(path, plain),
    consumeMessageBatchWaitMs: typeof plain.batch === 'object' ? plain.batch.timeoutMs : undefined,
    pullBatchSize: plain.pullBatchSize,
    pullIntervalMs: plain.pullInterval,
    rateLimit: plain.rateLimit,
    clientRebalance: plain.clientRebalance,
    traceEnable: plain.enableMsgTrace,
    traceTopic: plain.customizedTraceTopic,
    shutdownTimeoutMs: plain.awaitTerminationMillisWhenShutdown,
    autoStartup: plain.autoStartup,
  });
}

/** `concurrency`, or `consumeThreadNumber` capped by `consumeThreadMax` as in rocketmq-spring's container. */
function concurrencyOf(path: string, plain: PlainOptions): number | undefined {
  const { consumeThreadNumber, consumeThreadMax, concurrency = consumeThreadNumber } = plain;
  if (consumeThreadNumber !== undefined && consumeThreadNumber !== concurrency) {
    throw new ConfigurationError(
      `${path} has consumeThreadNumber ${consumeThreadNumber} and concurrency ${show(concurrency)}, which mean the same. Give one.`,
    );
  }
  if (consumeThreadMax === undefined) return concurrency;
  return Math.min(concurrency ?? DEFAULT_CONCURRENCY, consumeThreadMax);
}

function batchSizeOf(path: string, { batch, consumeMessageBatchMaxSize }: PlainOptions): number | undefined {
  if (batch === undefined || batch === false) return consumeMessageBatchMaxSize;
  if (batch === true) return consumeMessageBatchMaxSize ?? DEFAULT_BATCH_SIZE;
  if (consumeMessageBatchMaxSize !== undefined && consumeMessageBatchMaxSize !== batch.size) {
    throw new ConfigurationError(
      `${path} has batch.size ${batch.size} and consumeMessageBatchMaxSize ${consumeMessageBatchMaxSize}, which mean the same. Give one.`,
    );
  }
  return batch.size;
}

function clientSettings(path: string, plain: PlainOptions): ClientSettings {
  const { nameServer, tlsEnable, namespace, namespaceV2, instanceName, accessKey, secretKey } = plain;
  if ((accessKey === undefined) !== (secretKey === undefined)) {
    const missing = accessKey === undefined ? 'accessKey' : 'secretKey';
    throw new ConfigurationError(`${path} has no ${missing}. Give accessKey and secretKey, or neither.`);
  }
  if (namespace !== undefined && namespaceV2 !== undefined) {
    throw new ConfigurationError(`${path} has namespace and namespaceV2. Give the one that your servers use.`);
  }
  return given<ClientSettings>({
    namesrvAddr: nameServer,
    tls: tlsEnable,
    namespace,
    namespaceV2,
    instanceName,
    accessKey,
    secretKey,
  });
}

/** Leaves out what is not set. */
const given = <T extends object>(settings: { readonly [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as T;
