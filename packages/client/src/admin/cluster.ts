import { type ClusterInfo, isSystemGroup } from '@rocketnest/protocol';
import type { BrokerMember, BrokersOf, Where } from './brokers-of.js';
import type { BrokerFailure } from './gathered.js';
import type { GroupAdmin, GroupConfigOnBroker } from './groups.js';
import type { OffsetAdmin } from './offsets.js';
import { type TopicAdmin, type TopicConfigOnBroker, topicKind } from './topics.js';
import { type TopicTraffic, topicTraffic } from './traffic.js';

/** The areas a view of the whole cluster is put together from. */
export interface ClusterContext {
  readonly topics: TopicAdmin;
  readonly groups: GroupAdmin;
  readonly offsets: OffsetAdmin;
}

/** Everything that has to be created again on another cluster. */
export interface ClusterMetadata {
  readonly topics: readonly TopicConfigOnBroker[];
  readonly groups: readonly GroupConfigOnBroker[];
  readonly failures: readonly BrokerFailure[];
}

/** The cluster as the name server sees it. */
export class ClusterAdmin {
  constructor(
    private readonly brokers: BrokersOf,
    private readonly context: ClusterContext,
  ) {}

  /** Brokers by name with the addresses of their members, and broker names by cluster. */
  info(): Promise<ClusterInfo> {
    return this.brokers.clusterInfo();
  }

  /** Names of all clusters. */
  async names(): Promise<string[]> {
    return Object.keys((await this.info()).clusterAddrTable).sort();
  }

  /** Every broker process, masters first. @throws ConfigurationError when there is none such */
  brokerMembers(where?: Where): Promise<BrokerMember[]> {
    return this.brokers.members(where);
  }

  /** What comes into a topic and what each group takes out: rates, sums of the last 24 hours, lag. Java: mqadmin statsAll. */
  traffic(topic: string): Promise<TopicTraffic> {
    return topicTraffic(this.brokers, this.context, topic);
  }

  /** Settings of users' topics and groups, of the system's not. Java: mqadmin exportMetadata. */
  async metadata(where?: Where): Promise<ClusterMetadata> {
    const [topics, groups] = await Promise.all([
      this.context.topics.configs(where),
      this.context.groups.configs(where),
    ]);
    const failures = new Map([...topics.failures, ...groups.failures].map((failure) => [failure.address, failure]));
    return {
      topics: topics.items.filter(({ topicName }) => topicKind(topicName) === 'USER'),
      groups: groups.items.filter(({ groupName }) => !isSystemGroup(groupName)),
      failures: [...failures.values()],
    };
  }
}
