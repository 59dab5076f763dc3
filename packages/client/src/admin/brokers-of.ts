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

/** Which brokers are meant. Default: all the name server knows. */
export interface Where {
  readonly cluster?: string | undefined;
  /** A broker's name, or "host:port" of one of its members. */
  readonly broker?: string | undefined;
}

/** Finds out whom an area of the admin has to ask. */
export class BrokersOf {
  constructor(readonly instance: ClientInstance) {}

  async clusterInfo(): Promise<ClusterInfo> {
    return parseClusterInfo((await this.instance.api.callNameServer(Requests.getBrokerClusterInfo, {})).body);
  }

  /**
   * Every process the name server knows, masters before slaves.
   * @throws ConfigurationError when there is none such
   */
  async members(where: Where = {}): Promise<BrokerMember[]> {
    const { brokerAddrTable } = await this.clusterInfo();
    const all = Object.values(brokerAddrTable).flatMap((broker) =>
      Object.entries(broker.brokerAddrs).map(([id, address]) => ({
        cluster: broker.cluster ?? '',
        brokerName: broker.brokerName,
        brokerId: Number(id),
        address,
      })),
    );
    const members = all.filter(
      ({ cluster, brokerName, address }) =>
        (where.cluster === undefined || where.cluster === cluster) &&
        (where.broker === undefined || where.broker === brokerName || where.broker === address),
    );
    if (members.length > 0) return members.sort((a, b) => a.brokerId - b.brokerId);
    throw noBroker(where, 'broker', all);
  }

  /** @throws ConfigurationError when there is none */
  async masters(where: Where = {}): Promise<BrokerMember[]> {
    const members = await this.members(where);
    const masters = members.filter((member) => member.brokerId === MASTER_ID);
    if (masters.length > 0) return masters;
    throw noBroker(where, 'live master', members);
  }

  /** One live member, a master if there is one, of each broker of the topic. @throws NoRouteError when the topic does not exist */
  async ofTopic(topic: string): Promise<BrokerTarget[]> {
    const { brokerNames } = await this.freshRoute(topic);
    return brokerNames.flatMap((brokerName) => {
      const found = this.instance.findBrokerAddress(brokerName);
      return found === undefined ? [] : [{ brokerName, address: found.address }];
    });
  }

  /** Every name server of the client: changes go to all of them, since they do not tell each other. */
  async nameServers(): Promise<BrokerTarget[]> {
    const { nameServers } = this.instance;
    // The first question makes a client that follows an endpoint learn the addresses.
    if (nameServers.addresses.length === 0) await this.clusterInfo();
    return nameServers.addresses.map((address) => ({ brokerName: `name server ${address}`, address }));
  }

  /** Any broker of the topic, a master if it has one: for what every broker of a cluster knows. */
  async anyOfTopic(topic: string): Promise<string> {
    await this.freshRoute(topic);
    const address = this.instance.routes.anyBrokerOf(topic);
    if (address === undefined) throw this.instance.routes.noRoute(topic);
    return address;
  }

  /** Who serves reads of a queue: its master, or a slave while there is none. */
  async serving(queue: MessageQueue): Promise<string> {
    await this.instance.routes.find(queue.topic);
    const broker = this.instance.findBrokerAddress(queue);
    if (broker === undefined) throw this.instance.routes.noRoute(queue.topic);
    return broker.address;
  }

  /** Where the broker of a queue was last seen, for messages about it. */
  addressOf(queue: MessageQueue): string {
    return this.instance.findBrokerAddress(queue)?.address ?? 'unknown';
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

function noBroker(where: Where, what: string, known: readonly BrokerMember[]): ConfigurationError {
  const list = (values: Iterable<string>): string => [...new Set(values)].sort().join(', ') || 'none';
  const subject = where.cluster === undefined ? 'The name server knows' : `Cluster ${where.cluster} has`;
  const named = where.broker === undefined ? '' : ` ${where.broker}`;
  return new ConfigurationError(
    `${subject} no ${what}${named} (clusters: ${list(known.map((member) => member.cluster))}; brokers: ${list(known.map((member) => member.brokerName))}). Check the name, and that the broker runs and registers there.`,
    { context: { ...where } },
  );
}
