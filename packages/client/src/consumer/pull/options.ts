import { ConfigurationError } from '@rocketnest/protocol';
import {
  clientOptionTable,
  groupOption,
  type Options,
  type OptionsInput,
  option,
  resolveOptions,
} from '../../options.js';
import { checkConsumerGroup } from '../check-group.js';
import { pushConsumerOptionTable } from '../options.js';

const { allocate, localOffsetStoreDir, messageModel, persistConsumerOffsetIntervalMs, rebalanceIntervalMs } =
  pushConsumerOptionTable;

/** Rows that both pull consumers have. */
export const longPollingOptionTable = {
  brokerSuspendMaxTimeMs: option
    .integer(
      { min: 1 },
      { unit: 'ms', java: 'brokerSuspendMaxTimeMillis', doc: 'How long brokers hold a long poll that finds nothing.' },
    )
    .default(20_000),
  consumerTimeoutMsWhenSuspend: option
    .integer(
      { min: 1 },
      {
        unit: 'ms',
        java: 'consumerTimeoutMillisWhenSuspend',
        doc: 'Deadline of one long poll; at least brokerSuspendMaxTimeMs.',
      },
    )
    .default(30_000),
};

/** Options of a pull consumer. Java: DefaultMQPullConsumer; its names are in `info.java` where they differ. */
export const pullConsumerOptionTable = {
  ...clientOptionTable,
  ...longPollingOptionTable,
  group: groupOption,
  messageModel,
  registerTopics: option
    .list<string>('topic names', (topic) => typeof topic === 'string' && topic !== '', {
      doc: "Topics whose queues the members of the group share; fetchMessageQueuesInBalance names this member's. Others can be pulled too.",
    })
    .default([]),
  consumerPullTimeoutMs: option
    .integer(
      { min: 1 },
      { unit: 'ms', java: 'consumerPullTimeoutMillis', doc: 'Deadline of one pull that does not wait for messages.' },
    )
    .default(10_000),
  maxReconsumeTimes: option
    .integer(
      { min: 0, max: 0x7fffffff },
      {
        unit: 'deliveries',
        doc: 'Repetitions after which a message given back with sendMessageBack goes to %DLQ%group.',
      },
    )
    .default(16),
  persistConsumerOffsetIntervalMs,
  allocate,
  rebalanceIntervalMs,
  localOffsetStoreDir,
};

export type PullConsumerOptions = OptionsInput<typeof pullConsumerOptionTable>;
export type ResolvedPullConsumerOptions = Options<typeof pullConsumerOptionTable>;

/** @throws ConfigurationError */
export function resolvePullConsumerOptions(input: PullConsumerOptions): ResolvedPullConsumerOptions {
  const options = resolveOptions(pullConsumerOptionTable, input, 'PullConsumer');
  checkConsumerGroup(options.group, 'PullConsumer');
  checkLongPolling(options, 'PullConsumer');
  return options;
}

/** @throws ConfigurationError when every long poll would time out */
export function checkLongPolling(
  { brokerSuspendMaxTimeMs, consumerTimeoutMsWhenSuspend }: Options<typeof longPollingOptionTable>,
  component: string,
): void {
  if (consumerTimeoutMsWhenSuspend >= brokerSuspendMaxTimeMs) return;
  throw new ConfigurationError(
    `${component} option "consumerTimeoutMsWhenSuspend" (${consumerTimeoutMsWhenSuspend} ms) must be at least "brokerSuspendMaxTimeMs" (${brokerSuspendMaxTimeMs} ms): brokers hold a pull that long before they answer.`,
    { context: { brokerSuspendMaxTimeMs, consumerTimeoutMsWhenSuspend } },
  );
}
