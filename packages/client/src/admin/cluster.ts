import type { ClusterInfo } from '@rocketnest/protocol';
import type { BrokersOf } from './brokers-of.js';

/** The cluster as the name server sees it. */
export class ClusterAdmin {
  constructor(private readonly brokers: BrokersOf) {}

  /** Brokers by name with the addresses of their members, and broker names by cluster. */
  info(): Promise<ClusterInfo> {
    return this.brokers.clusterInfo();
  }
}
