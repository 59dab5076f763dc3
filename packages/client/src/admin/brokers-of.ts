import { type ClusterInfo, ConfigurationError, parseClusterInfo, Requests } from '@rocketnest/protocol';
import type { ClientInstance } from '../instance.js';
import type { MessageQueue } from '../message-queue.js';
import { MASTER_ID, type TopicRoute } from '../routes.js';
import type { BrokerTarget } from './gathered.js';

/** One process of a broker: a master or one of its slaves. */
export interface BrokerMember extends BrokerTarget {
  /** Empty when the broker did not say. */
  readonly cluster: string;
  /** 0: the master. */
  readonly brokerId: number;
}

/** Finds out whom an area of the admin has to ask. */
export class BrokersOf {
  constructor(readonly instance: ClientInstance) {}

  async clusterInfo(): Promise<ClusterInfo> {
    return parseClusterInfo((await this.instance.api.callNameServer(Requests.getBrokerClusterInfo, {})).body);
  }

  /** Every process the name server knows, of one cluster or of all. */
  async members(cluster?: string): Promise<BrokerMember[]> {
    const { brokerAddrTable } = await this.clusterInfo();
    const brokers = Object.values(brokerAddrTable);
    const members = brokers
      .filter((broker) => cluster === undefined || broker.cluster === cluster)
      .flatMap((broker) =>
        Object.entries(broker.brokerAddrs).map(([id, address]) => ({
          cluster: broker.cluster ?? '',
          brokerName: broker.brokerName,
          brokerId: Number(id),
          address,
        })),
      );
    if (members.length > 0) return members;
    const where = cluster === undefined ? 'The name server knows' : `Cluster ${cluster} has`;
    const clusters = [...new Set(brokers.map((broker) => broker.cluster))].join(', ') || 'none';
    throw new ConfigurationError(
      `${where} no master broker (clusters: ${clusters}). Start a broker that registers there.`,
      { context: { cluster } },
    );
  }

  /** @throws ConfigurationError when there is none */
  async masters(cluster?: string): Promise<BrokerMember[]> {
    const masters = (await this.members(cluster)).filter((member) => member.brokerId === MASTER_ID);
    if (masters.length > 0) return masters;
    throw new ConfigurationError(
      `No broker${cluster === undefined ? '' : ` of cluster ${cluster}`} has a live master. Start the masters and try again.`,
      { context: { cluster } },
    );
  }

  /** One live member, a master if there is one, of each broker of the topic. @throws NoRouteError when the topic does not exist */
  async ofTopic(topic: string): Promise<BrokerTarget[]> {
    const { brokerNames } = await this.freshRoute(topic);
    return brokerNames.flatMap((brokerName) => {
      const found = this.instance.findBrokerAddress(brokerName);
      return found === undefined ? [] : [{ brokerName, address: found.address }];
    });
  }

  /** Any broker of the topic, a master if it has one: for what every broker of a cluster knows. */
  async anyOfTopic(topic: string): Promise<string> {
    await this.freshRoute(topic);
    const address = this.instance.routes.anyBrokerOf(topic);
    if (address === undefined) throw this.instance.routes.noRoute(topic);
    return address;
  }

  /** The master that serves a queue. */
  async masterOf(queue: MessageQueue): Promise<string> {
    await this.instance.routes.find(queue.topic);
    const broker = this.instance.findBrokerAddress(queue, { onlyMaster: true });
    if (broker === undefined) throw this.instance.routes.noRoute(queue.topic);
    return broker.address;
  }

  private async freshRoute(topic: string): Promise<TopicRoute> {
    const route = await this.instance.routes.refresh(topic);
    if (route === null) throw this.instance.routes.noRoute(topic);
    return route;
  }
}
