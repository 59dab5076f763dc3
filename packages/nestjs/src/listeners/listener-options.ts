import type { SharedPushConsumerOptions } from '@rocketnest/client';
import { ConfigurationError } from '@rocketnest/client';
import type { Check } from '../checks.js';
import { checkOptions, must, show } from '../checks.js';
import type { RocketMQListenerOptions } from '../decorators/listener.js';
import { parseTags, type Subscription } from '../destination.js';
import type { ValueResolver } from '../values.js';

/** Options of the group's consumer. A listener holds the ones it sets; the group's listeners must agree on them. */
export type ConsumerSettings = Pick<
  SharedPushConsumerOptions,
  | 'consumeMode'
  | 'messageModel'
  | 'concurrency'
  | 'maxReconsumeTimes'
  | 'consumeTimeoutMs'
  | 'consumeFrom'
  | 'pullBatchSize'
  | 'shutdownTimeoutMs'
> & { readonly autoStartup?: boolean };

/** A listener's options with all values known. */
export interface ListenerSettings {
  readonly enabled: boolean;
  readonly subscription: Subscription;
  readonly group: string;
  readonly id: string | undefined;
  readonly consumer: ConsumerSettings;
  /** -1: dead letter, 0: the broker chooses, 1..18. */
  readonly delayLevel: number;
  /** `undefined`: the consumer's default. */
  readonly suspendMs: number | undefined;
}

/** How each option of the decorator is checked, and read from placeholder text. */
const table = {
  topic: must.beText,
  consumerGroup: must.beText,
  selectorType: must.beOneOf('TAG', 'SQL92'),
  selectorExpression: must.beText,
  consumeMode: must.beOneOf('CONCURRENTLY', 'ORDERLY'),
  messageModel: must.beOneOf('CLUSTERING', 'BROADCASTING'),
  consumeThreadNumber: must.beInteger(1, 1000),
  concurrency: must.beInteger(1, 1000),
  maxReconsumeTimes: must.beInteger(-1, 0x7fffffff),
  consumeTimeout: must.beInteger(1, 0x7fffffff),
  delayLevelWhenNextConsume: must.beInteger(-1, 18),
  suspendCurrentQueueTimeMillis: must.beInteger(10, 30_000),
  consumeFromWhere: must.beOneOf('CONSUME_FROM_LAST_OFFSET', 'CONSUME_FROM_FIRST_OFFSET'),
  consumeFromTimestamp: must.be(
    'a Date, or its ISO 8601 text',
    (value) => value instanceof Date && !Number.isNaN(value.getTime()),
    (text) => new Date(text),
  ),
  pullBatchSize: must.beInteger(1, 1024),
  awaitTerminationMillisWhenShutdown: must.beInteger(0),
  connection: must.beText,
  id: must.beText,
  enabled: must.beBoolean,
  autoStartup: must.beBoolean,
  payloadType: must.beFunction,
  deserializer: must.beObjectWith('deserialize'),
} as const satisfies Readonly<Record<keyof RocketMQListenerOptions, Check>>;

/** Keys whose values are what they are: never a placeholder. */
const LITERAL_KEYS: ReadonlySet<string> = new Set(['connection', 'id', 'payloadType', 'deserializer']);

const CONSUME_FROM = { CONSUME_FROM_LAST_OFFSET: 'LAST_OFFSET', CONSUME_FROM_FIRST_OFFSET: 'FIRST_OFFSET' } as const;

/** The table without its rows: `checkOptions` only looks for unknown keys here, values are checked once they are known. */
const anyValue = must.be('anything', () => true);
const keysOnly = Object.fromEntries(Object.keys(table).map((key) => [key, anyValue]));

interface PlainOptions {
  topic?: string;
  consumerGroup?: string;
  selectorType?: 'TAG' | 'SQL92';
  selectorExpression?: string;
  consumeMode?: 'CONCURRENTLY' | 'ORDERLY';
  messageModel?: 'CLUSTERING' | 'BROADCASTING';
  consumeThreadNumber?: number;
  concurrency?: number;
  maxReconsumeTimes?: number;
  consumeTimeout?: number;
  delayLevelWhenNextConsume?: number;
  suspendCurrentQueueTimeMillis?: number;
  consumeFromWhere?: keyof typeof CONSUME_FROM;
  consumeFromTimestamp?: Date;
  pullBatchSize?: number;
  awaitTerminationMillisWhenShutdown?: number;
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
): ListenerSettings {
  const path = `${label} @RocketMQMessageListener`;
  checkOptions(path, options, keysOnly);
  const plain: PlainOptions = {};
  for (const [key, row] of Object.entries(table)) {
    const value = options[key as keyof RocketMQListenerOptions];
    if (value === undefined) continue;
    const resolved = LITERAL_KEYS.has(key) ? value : values.resolve(`${path}.${key}`, value, row);
    Object.assign(plain, { [key]: resolved });
  }
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
    delayLevel: plain.delayLevelWhenNextConsume ?? 0,
    suspendMs: plain.suspendCurrentQueueTimeMillis,
  };
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
  const { consumeThreadNumber, concurrency = consumeThreadNumber, consumeFromWhere, consumeFromTimestamp } = plain;
  if (consumeThreadNumber !== undefined && consumeThreadNumber !== concurrency) {
    throw new ConfigurationError(
      `${path} has consumeThreadNumber ${consumeThreadNumber} and concurrency ${show(concurrency)}, which mean the same. Give one.`,
    );
  }
  const settings: { -readonly [K in keyof ConsumerSettings]: ConsumerSettings[K] | undefined } = {
    consumeMode: plain.consumeMode,
    messageModel: plain.messageModel,
    concurrency,
    maxReconsumeTimes: plain.maxReconsumeTimes,
    consumeTimeoutMs: plain.consumeTimeout === undefined ? undefined : plain.consumeTimeout * 60_000,
    consumeFrom: consumeFromTimestamp ?? (consumeFromWhere === undefined ? undefined : CONSUME_FROM[consumeFromWhere]),
    pullBatchSize: plain.pullBatchSize,
    shutdownTimeoutMs: plain.awaitTerminationMillisWhenShutdown,
    autoStartup: plain.autoStartup,
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as ConsumerSettings;
}
