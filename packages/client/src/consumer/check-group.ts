import { ConfigurationError, DEFAULT_CONSUMER_GROUP, validateGroup } from '@rocketnest/protocol';

/** @throws ConfigurationError for a group that no consumer may have. Java: checkConfig of the consumers */
export function checkConsumerGroup(group: string, component: string): void {
  validateGroup(group);
  if (group === DEFAULT_CONSUMER_GROUP) {
    throw new ConfigurationError(
      `${component} option "group" must not be ${DEFAULT_CONSUMER_GROUP}. Name the group after its job.`,
      { context: { group } },
    );
  }
}
