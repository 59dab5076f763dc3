import {
  encodeSubscriptionGroupConfig,
  Requests,
  type SubscriptionGroupConfig,
  validateGroup,
} from '@rocketnest/protocol';
import type { BrokersOf } from './brokers-of.js';

/** Settings of a consumer group. Absent fields have Java's defaults (SubscriptionGroupConfig). */
export type GroupInput = Partial<SubscriptionGroupConfig> & { readonly groupName: string };

export class GroupAdmin {
  constructor(private readonly brokers: BrokersOf) {}

  /** Creates a consumer group on all masters, or changes it where it exists. */
  async create(config: GroupInput, cluster?: string): Promise<void> {
    validateGroup(config.groupName);
    const body = encodeSubscriptionGroupConfig(config);
    const masters = await this.brokers.masters(cluster);
    await Promise.all(
      masters.map(({ address }) =>
        this.brokers.instance.api.call(address, Requests.updateAndCreateSubscriptiongroup, {}, { body }),
      ),
    );
  }
}
