import { ConfigurationError } from '@rocketnest/protocol';
import { option } from '../../options.js';

/** Allocation strategies that brokers know. Java: QueryAssignmentProcessor. */
const BROKER_STRATEGIES: readonly string[] = ['AVG', 'AVG_BY_CIRCLE'];

/** Options of a push consumer whose queues brokers assign. */
export const popOptionTable = {
  clientRebalance: option
    .boolean({
      doc: 'CLUSTERING. true: members share the queues out among themselves, and pull. false: brokers (5.0 or newer) say which queues this member has and whether it pulls or pops them (`mqadmin setConsumeMode`, `admin.groups`), also while it runs. All members of a group must have the same. Java ignores false when ORDERLY; here ordered messages are popped too.',
    })
    .default(true),
  popInvisibleTimeMs: option
    .integer(
      { min: 5_000, max: 300_000 },
      {
        unit: 'ms',
        java: 'popInvisibleTime',
        doc: 'POP: how long nobody else gets a message that was popped; after a crash it comes again so much later. While its handler runs, the time is extended, up to consumeTimeoutMs.',
      },
    )
    .default(60_000),
  popBatchNums: option
    .integer({ min: 1, max: 32 }, { unit: 'messages', doc: 'POP: most messages asked for in one pop.' })
    .default(32),
  popThresholdForQueue: option
    .integer(
      { min: 1, max: 65_535 },
      {
        unit: 'messages',
        doc: 'POP: popping a queue (or all of a broker) stops while more messages than this wait for handlers.',
      },
    )
    .default(96),
};

/** @throws ConfigurationError when brokers could not share out the queues as wanted */
export function checkPopOptions(options: {
  readonly clientRebalance: boolean;
  readonly messageModel: string;
  readonly allocate: string | { readonly name: string };
}): void {
  const { allocate, clientRebalance, messageModel } = options;
  const name = typeof allocate === 'string' ? allocate : allocate.name;
  if (clientRebalance || messageModel === 'BROADCASTING' || BROKER_STRATEGIES.includes(name)) return;
  throw new ConfigurationError(
    `PushConsumer option "allocate" is ${name}, but with clientRebalance: false brokers share out the queues, which know ${BROKER_STRATEGIES.join(' and ')}. Use one of these, or clientRebalance: true.`,
    { context: { allocate: name } },
  );
}
