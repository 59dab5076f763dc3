import type { ClusterInfo } from '@rocketnest/protocol';
import type { BrokerMember, BrokersOf, Where } from './brokers-of.js';

/** The cluster as the name server sees it. */
export class ClusterAdmin {
  constructor(private readonly brokers: BrokersOf) {}

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
}
