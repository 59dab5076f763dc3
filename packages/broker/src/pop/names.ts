import { popRetryTopic } from '@rocketnest/protocol';
import type { BrokerOptions } from '../options.js';

/** The group whose offsets say how far the revive topic is worked off. Java: `PopAckConstants.REVIVE_GROUP`. */
export const REVIVE_GROUP = 'CID_RMQ_SYS_REVIVE_GROUP';

/** Tags of the messages in the revive topic. Java: `PopAckConstants`. */
export const ReviveTag = { CHECK_POINT: 'ck', ACK: 'ack', BATCH_ACK: 'bAck' } as const;

/** Check points are delivered this long before their messages become visible. Java: `PopAckConstants.ackTimeInterval`. */
export const ACK_INTERVAL_MS = 1_000;

/** Most messages of one pop: a check point has a bit for each. */
export const MAX_POP_MESSAGES = 32;

/** Most bytes of one answer: clients read frames of up to 16 MiB, and the last message may be 4 MiB long. */
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** One queue as one group sees it. Java: `KeyBuilder.buildPollingKey`. */
export const queueKey = (topic: string, group: string, queueId: number): string => `${topic}@${group}@${queueId}`;

/** Where messages of a topic go that a group popped and did not acknowledge. Java: `KeyBuilder.buildPopRetryTopic`. */
export const retryTopicOf = (options: BrokerOptions, topic: string, group: string): string =>
  popRetryTopic(topic, group, options.enableRetryTopicV2 ? 2 : 1);

/** What is wrong with the revive queue of a receipt of an unordered pop; undefined when this broker has it. */
export const reviveQueueProblem = ({ reviveQueueNum }: BrokerOptions, reviveQueueId: number): string | undefined =>
  reviveQueueId >= 0 && reviveQueueId < reviveQueueNum
    ? undefined
    : `the receipt names revive queue ${reviveQueueId}, this broker has ${reviveQueueNum}: send POP_CK as it came`;
