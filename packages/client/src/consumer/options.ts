import { homedir } from 'node:os';
import { join } from 'node:path';
import type { MessageQueue } from '../message-queue.js';
import { clientOptionTable, groupOption, type Options, type OptionsInput, option, resolveOptions } from '../options.js';
import { traceOptionTable } from '../trace/trace-options.js';
import type { AllocateStrategy } from './allocate.js';
import { allocateStrategies } from './allocate-by-name.js';
import { checkConsumerGroup } from './check-group.js';
import type { ConsumeHooks } from './outcome.js';
import { checkPopOptions, popOptionTable } from './pop/pop-options.js';

const isFunction = (value: unknown): boolean => typeof value === 'function';
const isObjectWith = (value: unknown, method: string): boolean =>
  typeof value === 'object' && value !== null && isFunction((value as Record<string, unknown>)[method]);

/** Messages per second. */
export const isRate = (value: unknown): boolean => typeof value === 'number' && value > 0 && value <= 1_000_000;

const isHook = (value: unknown): boolean => isObjectWith(value, 'before') || isObjectWith(value, 'after');

export type ConsumeFrom = 'LAST_OFFSET' | 'FIRST_OFFSET' | Date;

const CONSUME_FROM: readonly unknown[] = ['LAST_OFFSET', 'FIRST_OFFSET'];

/** Options of a push consumer. Java: DefaultMQPushConsumer; its names are in `info.java` where they differ. */
export const pushConsumerOptionTable = {
  ...clientOptionTable,
  group: groupOption,
  ...traceOptionTable,
  messageModel: option
    .oneOf(['CLUSTERING', 'BROADCASTING'], {
      doc: 'CLUSTERING: each message goes to one member of the group. BROADCASTING: every member gets every message; failed messages do not come again, and offsets are in a local file named after the client id, so give a stable instanceName to resume after a restart.',
    })
    .default('CLUSTERING'),
  consumeMode: option
    .oneOf(['CONCURRENTLY', 'ORDERLY'], {
      doc: 'ORDERLY: one handler at a time per queue, in queue order, and a failed batch is repeated before the next one.',
    })
    .default('CONCURRENTLY'),
  concurrency: option
    .integer(
      { min: 1, max: 1000 },
      {
        unit: 'handlers',
        java: 'consumeThreadMax',
        doc: 'Handlers that may run at once in this consumer; setConcurrency changes it at run time. There are no threads to keep ready, hence no consumeThreadMin.',
      },
    )
    .default(20),
  consumeFrom: option
    .value<ConsumeFrom>(
      'LAST_OFFSET, FIRST_OFFSET or a Date',
      (value) => CONSUME_FROM.includes(value) || (value instanceof Date && !Number.isNaN(value.getTime())),
      {
        java: 'consumeFromWhere',
        doc: 'Where a group starts in a queue for which it has no committed offset: at messages sent from now on, at the oldest message, or at the first message stored at or after a time. LAST_OFFSET is honest: unlike Java it never starts a new group at offset 0 of a young topic.',
      },
    )
    .default('LAST_OFFSET'),
  maxReconsumeTimes: option
    .integer(
      { min: -1, max: 0x7fffffff },
      {
        unit: 'deliveries',
        doc: 'Repetitions after the first delivery before a message goes to %DLQ%group. -1: 16 when CONCURRENTLY, unlimited when ORDERLY.',
      },
    )
    .default(-1),
  consumeTimeoutMs: option
    .integer(
      { min: 1 },
      {
        unit: 'ms',
        java: 'consumeTimeout (minutes)',
        doc: 'A handler that runs longer is logged with a warning. CONCURRENTLY and CLUSTERING: its message is sent back for a retry, so that it no longer holds the committed offset of its queue, and so is handled twice. The handler is not interrupted.',
      },
    )
    .default(15 * 60_000),
  consumeMessageBatchMaxSize: option
    .integer({ min: 1, max: 1024 }, { unit: 'messages', doc: 'Most messages given to one handler call.' })
    .default(1),
  consumeMessageBatchWaitMs: option
    .integer(
      { min: 0, max: 60_000 },
      {
        unit: 'ms',
        doc: 'How long the messages of a queue wait for more of them, until there are consumeMessageBatchMaxSize. 0: not at all; what brokers give out by POP does not wait either.',
      },
    )
    .default(0),
  suspendCurrentQueueTimeMs: option
    .integer(
      { min: 10, max: 30_000 },
      { unit: 'ms', java: 'suspendCurrentQueueTimeMillis', doc: 'ORDERLY: pause of a queue after a failed batch.' },
    )
    .default(1_000),
  pullBatchSize: option
    .integer({ min: 1, max: 1024 }, { unit: 'messages', doc: 'Most messages asked for in one pull.' })
    .default(32),
  pullBatchSizeInBytes: option
    .integer(
      { min: 1, max: 0x7fffffff },
      { unit: 'bytes', doc: 'Most bytes asked for in one pull (brokers since 5.0 look at it).' },
    )
    .default(256 * 1024),
  pullThresholdForQueue: option
    .integer(
      { min: 1, max: 65_535 },
      { unit: 'messages', doc: 'Pulling a queue stops while more messages than this wait for handlers.' },
    )
    .default(1_000),
  pullThresholdSizeForQueueMiB: option
    .integer(
      { min: 1, max: 1024 },
      {
        unit: 'MiB',
        java: 'pullThresholdSizeForQueue',
        doc: 'Pulling a queue stops while more body bytes than this wait for handlers.',
      },
    )
    .default(100),
  pullThresholdForTopic: option.integer(
    { min: 1, max: 6_553_500 },
    {
      unit: 'messages',
      doc: 'The same limit for all queues of a topic here together; each queue gets an equal part, at least 1, in place of pullThresholdForQueue.',
    },
  ),
  pullThresholdSizeForTopicMiB: option.integer(
    { min: 1, max: 102_400 },
    {
      unit: 'MiB',
      java: 'pullThresholdSizeForTopic',
      doc: 'The same limit for the body bytes of a topic; each queue gets an equal part, at least 1, in place of pullThresholdSizeForQueueMiB.',
    },
  ),
  rateLimit: option.value<number>('a number > 0', isRate, {
    unit: 'messages/s',
    doc: 'Most messages given to handlers per second in this consumer, evenly spread; setRateLimit changes it at run time. Absent: no limit.',
  }),
  consumeConcurrentlyMaxSpan: option
    .integer(
      { min: 1, max: 65_535 },
      {
        unit: 'offsets',
        doc: 'CONCURRENTLY: pulling a queue stops while its oldest and newest waiting messages are further apart.',
      },
    )
    .default(2_000),
  postSubscriptionWhenPull: option
    .boolean({
      doc: 'Every pull says what it wants, instead of relying on heartbeats: members that subscribe to different things then do not change what brokers filter for each other. Costs bytes, and with SQL92 the broker compiles the expression each time.',
    })
    .default(false),
  pullIntervalMs: option
    .integer(
      { min: 0, max: 65_535 },
      { unit: 'ms', java: 'pullInterval', doc: 'Pause after a pull that found messages.' },
    )
    .default(0),
  pullRetryDelayMs: option
    .integer(
      { min: 1 },
      { unit: 'ms', java: 'pullTimeDelayMillsWhenException', doc: 'Pause after a pull that failed.' },
    )
    .default(3_000),
  ...popOptionTable,
  rebalanceIntervalMs: option
    .integer(
      { min: 10 },
      {
        unit: 'ms',
        java: 'rocketmq.client.rebalance.waitInterval',
        doc: 'How often the share of queues is computed again without being asked to.',
      },
    )
    .default(20_000),
  persistConsumerOffsetIntervalMs: option
    .integer(
      { min: 10 },
      {
        unit: 'ms',
        java: 'persistConsumerOffsetInterval',
        doc: 'How often consumed offsets are written to the broker (CLUSTERING) or the local file (BROADCASTING).',
      },
    )
    .default(5_000),
  shutdownTimeoutMs: option
    .integer(
      { min: 0 },
      {
        unit: 'ms',
        java: 'awaitTerminationMillisWhenShutdown',
        doc: 'How long close() waits for running handlers. What still runs then is logged and not acknowledged.',
      },
    )
    .default(30_000),
  allocate: option
    .value<AllocateStrategy | keyof typeof allocateStrategies>(
      `one of ${Object.keys(allocateStrategies).join(', ')} or an object with name and allocate()`,
      (value) =>
        typeof value === 'string' ? Object.hasOwn(allocateStrategies, value) : isObjectWith(value, 'allocate'),
      {
        java: 'allocateMessageQueueStrategy',
        doc: 'How queues are shared within the group; all members, Java ones included, must use the same.',
      },
    )
    .default('AVG'),
  localOffsetStoreDir: option
    .string({
      java: 'rocketmq.client.localOffsetStoreDir',
      doc: 'BROADCASTING: directory of the offset files. Default: .rocketmq_offsets in the home directory.',
    })
    .default(join(homedir(), '.rocketmq_offsets')),
  hooks: option.value<ConsumeHooks | readonly ConsumeHooks[]>(
    'an object with before and/or after functions, or an array of them',
    (value) => (Array.isArray(value) ? value.every(isHook) : isHook(value)),
    {
      java: 'registerConsumeMessageHook',
      doc: 'Observers called around every handler call, in the order given: traces, metrics.',
    },
  ),
  onAssigned: option.value<(queue: MessageQueue) => void>('a function', isFunction, {
    java: 'messageQueueListener',
    doc: 'Called with each queue that this member takes over, before its first message is handled.',
  }),
  onRevoked: option.value<(queue: MessageQueue) => void>('a function', isFunction, {
    java: 'messageQueueListener',
    doc: 'Called with each queue that this member gives up, close() included: no handler of it starts any more, one may still run. A reset of offsets gives a queue up and takes it over again.',
  }),
  onError: option.value<(error: unknown, info: ConsumeErrorInfo) => void>('a function', isFunction, {
    doc: 'Called with every error of a handler, after it was logged.',
  }),
};

/** What failed: given to `onError` beside the error. */
export interface ConsumeErrorInfo {
  readonly group: string;
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
  /** One per message of the batch. */
  readonly msgIds: readonly string[];
  /** 1 for the first delivery of the (first) message. */
  readonly attempt: number;
}

export type PushConsumerOptions = OptionsInput<typeof pushConsumerOptionTable>;
export type ResolvedPushConsumerOptions = Options<typeof pushConsumerOptionTable>;

/** @throws ConfigurationError */
export function resolvePushConsumerOptions(input: PushConsumerOptions): ResolvedPushConsumerOptions {
  const options = resolveOptions(pushConsumerOptionTable, input, 'PushConsumer');
  checkConsumerGroup(options.group, 'PushConsumer');
  checkPopOptions(options);
  return options;
}

/** Repetitions before the dead letter queue, as told to brokers. Java: getMaxReconsumeTimes of both consume services. */
export function effectiveMaxReconsumeTimes(options: ResolvedPushConsumerOptions): number {
  if (options.maxReconsumeTimes >= 0) return options.maxReconsumeTimes;
  return options.consumeMode === 'ORDERLY' ? 0x7fffffff : 16;
}
