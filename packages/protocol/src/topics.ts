/** Names of topics and groups. Source of truth: `TopicValidator`, `MixAll` (rocketmq-common) and `Validators` (rocketmq-client). */

import { ConfigurationError } from './errors.js';

/** Topics of the system. Java: `TopicValidator`. */
export const SystemTopic = {
  /** Its configuration is the template of automatically created topics. */
  AUTO_CREATE_TOPIC_KEY: 'TBW102',
  SCHEDULE: 'SCHEDULE_TOPIC_XXXX',
  BENCHMARK: 'BenchmarkTest',
  TRANS_HALF: 'RMQ_SYS_TRANS_HALF_TOPIC',
  TRANS_OP_HALF: 'RMQ_SYS_TRANS_OP_HALF_TOPIC',
  ROCKSDB_TRANS_HALF: 'RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC',
  ROCKSDB_TRANS_OP_HALF: 'RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC',
  TRANS_CHECK_MAX_TIME: 'TRANS_CHECK_MAX_TIME_TOPIC',
  TRACE: 'RMQ_SYS_TRACE_TOPIC',
  SELF_TEST: 'SELF_TEST_TOPIC',
  OFFSET_MOVED_EVENT: 'OFFSET_MOVED_EVENT',
  ROCKSDB_OFFSET: 'CHECKPOINT_TOPIC',
} as const;

/** Topics whose name starts so are the system's, too. */
export const SYSTEM_TOPIC_PREFIX = 'rmq_sys_';
/** Where timer messages wait. Java: `TimerMessageStore.TIMER_TOPIC`. */
export const TIMER_TOPIC = 'rmq_sys_wheel_timer';
/** Where pop checkpoints wait, followed by the cluster name. Java: `PopAckConstants.REVIVE_TOPIC`. */
export const REVIVE_TOPIC_PREFIX = 'rmq_sys_REVIVE_LOG_';

export const RETRY_GROUP_PREFIX = '%RETRY%';
export const DLQ_GROUP_PREFIX = '%DLQ%';
/** Light message queues: many queues that share one topic's log. */
export const LMQ_PREFIX = '%LMQ%';
export const REPLY_TOPIC_POSTFIX = 'REPLY_TOPIC';

export const DEFAULT_PRODUCER_GROUP = 'DEFAULT_PRODUCER';
export const DEFAULT_CONSUMER_GROUP = 'DEFAULT_CONSUMER';
export const CLIENT_INNER_PRODUCER_GROUP = 'CLIENT_INNER_PRODUCER';
export const TOOLS_CONSUMER_GROUP = 'TOOLS_CONSUMER';
export const SELF_TEST_PRODUCER_GROUP = 'SELF_TEST_P_GROUP';
export const SELF_TEST_CONSUMER_GROUP = 'SELF_TEST_C_GROUP';
export const SYSTEM_GROUP_PREFIX = 'CID_RMQ_SYS_';

export const MAX_TOPIC_LENGTH = 127;
/** Group names become part of retry and dead letter topics. */
export const MAX_GROUP_LENGTH = 120;
export const MAX_RETRY_OR_DLQ_TOPIC_LENGTH = 255;

const systemTopics: ReadonlySet<string> = new Set(Object.values(SystemTopic));

const notAllowedSendTopics: ReadonlySet<string> = new Set([
  SystemTopic.SCHEDULE,
  SystemTopic.TRANS_HALF,
  SystemTopic.TRANS_OP_HALF,
  SystemTopic.TRANS_CHECK_MAX_TIME,
  SystemTopic.SELF_TEST,
  SystemTopic.OFFSET_MOVED_EVENT,
  SystemTopic.ROCKSDB_TRANS_HALF,
  SystemTopic.ROCKSDB_TRANS_OP_HALF,
]);

/** Java: `MixAll.PREDEFINE_GROUP_SET`. */
const systemGroups: ReadonlySet<string> = new Set([
  DEFAULT_CONSUMER_GROUP,
  DEFAULT_PRODUCER_GROUP,
  TOOLS_CONSUMER_GROUP,
  'SCHEDULE_CONSUMER',
  'FILTERSRV_CONSUMER',
  '__MONITOR_CONSUMER',
  CLIENT_INNER_PRODUCER_GROUP,
  SELF_TEST_PRODUCER_GROUP,
  SELF_TEST_CONSUMER_GROUP,
  'CID_ONS-HTTP-PROXY',
  'CID_ONSAPI_PERMISSION',
  'CID_ONSAPI_OWNER',
  'CID_ONSAPI_PULL',
]);

const legalName = /^[%|a-zA-Z0-9_-]+$/;

/** Where a group's failed messages wait for their next attempt. */
export function retryTopic(group: string): string {
  return RETRY_GROUP_PREFIX + group;
}

/**
 * The group of a retry topic, also of pop's `%RETRY%group+topic`. Names of pop's first form, `%RETRY%group_topic`, cannot be told
 * apart. Java: `KeyBuilder.parseGroup`.
 */
export function parseRetryGroup(topic: string): string {
  const name = topic.slice(RETRY_GROUP_PREFIX.length);
  const parts = name.split('+');
  return parts.length === 2 ? parts[0]! : name;
}

/** Where a group's failed pop messages of one topic wait. Java: `KeyBuilder.buildPopRetryTopicV1` and `V2`. */
export function popRetryTopic(topic: string, group: string, version: 1 | 2): string {
  return RETRY_GROUP_PREFIX + group + (version === 1 ? '_' : '+') + topic;
}

/** Where a group's messages end that failed too often. */
export function dlqTopic(group: string): string {
  return DLQ_GROUP_PREFIX + group;
}

/** Where answers of a cluster's request-reply messages go. */
export function replyTopic(clusterName: string): string {
  return `${clusterName}_${REPLY_TOPIC_POSTFIX}`;
}

export function isRetryTopic(topic: string): boolean {
  return topic.startsWith(RETRY_GROUP_PREFIX);
}

export function isDlqTopic(topic: string): boolean {
  return topic.startsWith(DLQ_GROUP_PREFIX);
}

export function isSystemTopic(topic: string): boolean {
  return systemTopics.has(topic) || topic.startsWith(SYSTEM_TOPIC_PREFIX);
}

/** The fixed system topics, for topic lists. */
export function systemTopicNames(): readonly string[] {
  return [...systemTopics];
}

/** System topics that clients must not send to. */
export function isNotAllowedSendTopic(topic: string): boolean {
  return notAllowedSendTopics.has(topic);
}

/** Groups of the system: predefined names and `CID_RMQ_SYS_…`. */
export function isSystemGroup(group: string): boolean {
  return systemGroups.has(group) || group.startsWith(SYSTEM_GROUP_PREFIX);
}

/** Why `topic` is not a legal topic name, or null when it is. Java: `TopicValidator.validateTopic`. */
export function topicProblem(topic: string): string | null {
  return nameProblem('topic', topic, topicLengthLimit);
}

/** Why `group` is not a legal group name, or null when it is. Java: `TopicValidator.validateGroup`. */
export function groupProblem(group: string): string | null {
  return nameProblem('group', group, () => MAX_GROUP_LENGTH);
}

/** @throws ConfigurationError when the name is blank, too long or has illegal characters */
export function validateTopic(topic: string): void {
  const problem = topicProblem(topic);
  if (problem !== null) throw new ConfigurationError(problem, { context: { topic } });
}

/** @throws ConfigurationError when the name is blank, too long or has illegal characters */
export function validateGroup(group: string): void {
  const problem = groupProblem(group);
  if (problem !== null) throw new ConfigurationError(problem, { context: { group } });
}

function topicLengthLimit(topic: string): number {
  return isRetryTopic(topic) || isDlqTopic(topic) ? MAX_RETRY_OR_DLQ_TOPIC_LENGTH : MAX_TOPIC_LENGTH;
}

function nameProblem(what: 'topic' | 'group', name: string, limitOf: (name: string) => number): string | null {
  if (typeof name !== 'string' || name.trim() === '') return `The ${what} name is blank: give one`;
  const limit = limitOf(name);
  if (name.length > limit) {
    return `The ${what} name ${JSON.stringify(name.slice(0, 300))} has ${name.length} characters, the limit is ${limit}`;
  }
  if (!legalName.test(name)) {
    return `The ${what} name ${JSON.stringify(name)} has illegal characters: only letters, digits and % | _ - are allowed`;
  }
  return null;
}
