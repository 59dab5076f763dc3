import { popRetryTopic } from '@rocketnest/protocol';
import type { BrokerOptions } from '../options.js';

/** The group whose offsets say how far the revive topic is worked off. Java: `PopAckConstants.REVIVE_GROUP`. */
export const REVIVE_GROUP = 'CID_RMQ_SYS_REVIVE_GROUP';

/** Tags of the messages in the revive topic. Java: `PopAckConstants`. */
export const ReviveTag = { CHECK_POINT: 'ck', ACK: 'ack', BATCH_ACK: 'bAck' } as const;

/** Check points are delivered this long before their messages become visible. Java: `PopAckConstants.ackTimeInterval`. */
export const ACK_INTERVAL_MS = 1_000;

/** One queue as one group sees it. Java: `KeyBuilder.buildPollingKey`. */
export const queueKey = (topic: string, group: string, queueId: number): string => `${topic}@${group}@${queueId}`;

/** Where messages of a topic go that a group popped and did not acknowledge. Java: `KeyBuilder.buildPopRetryTopic`. */
export const retryTopicOf = (options: BrokerOptions, topic: string, group: string): string =>
  popRetryTopic(topic, group, options.enableRetryTopicV2 ? 2 : 1);
