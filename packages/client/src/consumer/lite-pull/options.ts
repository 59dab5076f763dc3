import {
  clientOptionTable,
  groupOption,
  type Options,
  type OptionsInput,
  option,
  resolveOptions,
} from '../../options.js';
import { traceOptionTable } from '../../trace/trace-options.js';
import { checkConsumerGroup } from '../check-group.js';
import { pushConsumerOptionTable } from '../options.js';
import { checkLongPolling, longPollingOptionTable } from '../pull/options.js';

const { allocate, consumeFrom, hooks, localOffsetStoreDir, messageModel, rebalanceIntervalMs } =
  pushConsumerOptionTable;

/** Options of a lite pull consumer. Java: DefaultLitePullConsumer; its names are in `info.java` where they differ. */
export const litePullConsumerOptionTable = {
  ...clientOptionTable,
  ...traceOptionTable,
  ...longPollingOptionTable,
  group: groupOption,
  messageModel,
  autoCommit: option
    .boolean({
      doc: 'Whether what was handed out counts as consumed, and is committed, once poll() is called again. Otherwise commit() says what is.',
    })
    .default(true),
  autoCommitIntervalMs: option
    .integer(
      { min: 10 },
      {
        unit: 'ms',
        java: 'autoCommitIntervalMillis',
        doc: 'How often consumed offsets are written to the broker (CLUSTERING) or the local file (BROADCASTING).',
      },
    )
    .default(5_000),
  consumeFrom,
  pollTimeoutMs: option
    .integer(
      { min: 0 },
      { unit: 'ms', java: 'pollTimeoutMillis', doc: 'How long poll() waits for messages when it is not told.' },
    )
    .default(5_000),
  pullBatchSize: option
    .integer(
      { min: 1, max: 1024 },
      { unit: 'messages', doc: 'Most messages asked for in one pull and handed out by one poll().' },
    )
    .default(10),
  pullThresholdForAll: option
    .integer(
      { min: 1 },
      { unit: 'messages', doc: 'Pulling stops while more messages than this, of all queues, wait for poll().' },
    )
    .default(10_000),
  pullThresholdForQueue: option
    .integer(
      { min: 1, max: 65_535 },
      { unit: 'messages', doc: 'Pulling a queue stops while more of its messages than this wait for poll().' },
    )
    .default(1_000),
  pullThresholdSizeForQueueMiB: option
    .integer(
      { min: 1, max: 1024 },
      {
        unit: 'MiB',
        java: 'pullThresholdSizeForQueue',
        doc: 'Pulling a queue stops while more body bytes than this wait for poll().',
      },
    )
    .default(100),
  consumeMaxSpan: option
    .integer(
      { min: 1, max: 65_535 },
      {
        unit: 'offsets',
        doc: 'Pulling a queue stops while its oldest and newest waiting messages are further apart.',
      },
    )
    .default(2_000),
  pullRetryDelayMs: option
    .integer(
      { min: 1 },
      { unit: 'ms', java: 'pullTimeDelayMillsWhenException', doc: 'Pause after a pull that failed.' },
    )
    .default(1_000),
  topicMetadataCheckIntervalMs: option
    .integer(
      { min: 10 },
      {
        unit: 'ms',
        java: 'topicMetadataCheckIntervalMillis',
        doc: 'How often topics with a queue change listener are looked at.',
      },
    )
    .default(30_000),
  allocate,
  rebalanceIntervalMs,
  localOffsetStoreDir,
  shutdownTimeoutMs: option
    .integer(
      { min: 0 },
      {
        unit: 'ms',
        doc: 'How long close() waits for the body of a running `for await` loop. Its batch is not committed when it takes longer.',
      },
    )
    .default(30_000),
  hooks,
};

export type LitePullConsumerOptions = OptionsInput<typeof litePullConsumerOptionTable>;
export type ResolvedLitePullConsumerOptions = Options<typeof litePullConsumerOptionTable>;

/** @throws ConfigurationError */
export function resolveLitePullConsumerOptions(input: LitePullConsumerOptions): ResolvedLitePullConsumerOptions {
  const options = resolveOptions(litePullConsumerOptionTable, input, 'LitePullConsumer');
  checkConsumerGroup(options.group, 'LitePullConsumer');
  checkLongPolling(options, 'LitePullConsumer');
  return options;
}
