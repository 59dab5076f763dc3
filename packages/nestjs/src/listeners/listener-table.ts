import { clientOptionTable, pushConsumerOptionTable } from '@rocketnest/client';
import type { Check, CheckTable } from '../checks.js';
import { must } from '../checks.js';
import { OWN_CONSUMER_KEYS } from '../decorators/listener.js';
import type { RocketMQReplyListenerOptions } from '../decorators/reply-listener.js';
import { isAddress } from '../options.js';

/** Text that may be empty, as placeholders with an empty default make it: `'${rocketmq.access-key:}'`. */
const textOrNothing = must.be('a string', (value) => typeof value === 'string');

const batchSize = must.beInteger(1, 1024);
const batchWait = must.beInteger(0, 60_000);

function isBatch(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { size, timeoutMs = 0 } = value as { size?: unknown; timeoutMs?: unknown };
  return batchSize.accepts(size) && batchWait.accepts(timeoutMs);
}

/** How each option of the decorators is checked, and read from placeholder text. */
export const listenerTable = {
  topic: must.beText,
  consumerGroup: must.beText,
  selectorType: must.beOneOf('TAG', 'SQL92'),
  selectorExpression: must.beText,
  consumeMode: must.beOneOf('CONCURRENTLY', 'ORDERLY'),
  messageModel: must.beOneOf('CLUSTERING', 'BROADCASTING'),
  consumeThreadNumber: must.beInteger(1, 1000),
  consumeThreadMax: must.beInteger(1, 1000),
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
  pullInterval: must.beInteger(0, 65_535),
  consumeMessageBatchMaxSize: batchSize,
  awaitTerminationMillisWhenShutdown: must.beInteger(0),
  replyTimeout: must.beInteger(1),
  enableMsgTrace: must.beBoolean,
  customizedTraceTopic: textOrNothing,
  nameServer: must.be("'host:port' or 'host:port;host:port'", (value) => value === '' || isAddress(value)),
  accessKey: textOrNothing,
  secretKey: textOrNothing,
  tlsEnable: must.beBoolean,
  namespace: textOrNothing,
  namespaceV2: textOrNothing,
  instanceName: textOrNothing,
  accessChannel: must.be(
    "'LOCAL' ('CLOUD' traces go to a service of Alibaba Cloud, which this package cannot write to)",
    (value) => value === 'LOCAL',
  ),
  batch: must.be(
    'true, false or { size } from 1 to 1024, with timeoutMs from 0 to 60000',
    (value) => typeof value === 'boolean' || isBatch(value),
  ),
  rateLimit: must.be(
    'a number of messages per second > 0',
    (value) => pushConsumerOptionTable.rateLimit.accepts(value),
    (text) => (text.trim() === '' ? text : Number(text)),
  ),
  clientRebalance: must.beBoolean,
  consumer: must.be('an object', (value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
  connection: must.beText,
  id: must.beText,
  enabled: must.beBoolean,
  autoStartup: must.beBoolean,
  payloadType: must.beFunction,
  deserializer: must.beObjectWith('deserialize'),
} as const satisfies Readonly<Record<keyof RocketMQReplyListenerOptions | 'batch', Check>>;

export type ListenerOptionKey = keyof typeof listenerTable;

/** Keys whose values are what they are: never a placeholder. */
export const LITERAL_KEYS: ReadonlySet<string> = new Set([
  'batch',
  'consumer',
  'connection',
  'id',
  'payloadType',
  'deserializer',
]);

/** What `consumer: { … }` of a listener may have. */
export const furtherConsumerTable: CheckTable = Object.fromEntries(
  Object.entries(pushConsumerOptionTable)
    .filter(([key]) => !Object.hasOwn(clientOptionTable, key) && !OWN_CONSUMER_KEYS.includes(key as never))
    .map(([key, { expected, accepts }]) => [key, must.be(expected, accepts)]),
);
