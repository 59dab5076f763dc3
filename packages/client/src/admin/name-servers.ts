import {
  type ClusterInfo,
  parseClusterInfo,
  parseKVTable,
  parseProperties,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import type { BrokersOf } from './brokers-of.js';
import { changeAll, type Gathered, gather } from './gathered.js';
import { deleteKeyValue, getKeyValue, putKeyValue } from './key-values.js';
import { encodeProperties, type Properties } from './properties.js';

/** What one name server answered. */
export interface NameServerAnswer {
  /** "host:port" */
  readonly address: string;
}

/**
 * The name servers themselves. They do not talk to each other: changes go to all the client knows, and what they say may differ.
 */
export class NameServerAdmin {
  constructor(private readonly brokers: BrokersOf) {}

  /** Addresses the client knows. */
  addresses(): readonly string[] {
    return this.brokers.instance.nameServers.addresses;
  }

  /** The brokers each name server sees: compare them to find one that is cut off. Those that do not answer are the failures. */
  async clusters(): Promise<Gathered<NameServerAnswer & ClusterInfo>> {
    return gather(await this.brokers.nameServers(), async ({ address }) => {
      const { body } = await this.brokers.instance.api.call(address, Requests.getBrokerClusterInfo, {});
      return [{ address, ...parseClusterInfo(body) }];
    });
  }

  /** Java: getNameServerConfig. */
  async config(): Promise<Gathered<NameServerAnswer & { readonly properties: Properties }>> {
    return gather(await this.brokers.nameServers(), async ({ address }) => {
      const { body } = await this.brokers.instance.api.call(address, Requests.getNamesrvConfig, {});
      return [{ address, properties: Object.fromEntries(parseProperties(body.toString())) }];
    });
  }

  /**
   * Changes options of the running name servers. Java: updateNameServerConfig.
   * @throws ConfigurationError on an impossible key or value, PartialError when only some took it
   */
  async updateConfig(properties: Properties): Promise<void> {
    const body = encodeProperties(properties, 'a name server');
    await changeAll(
      await this.brokers.nameServers(),
      `Configuration ${Object.keys(properties).join(', ')} is changed`,
      ({ address }) => this.brokers.instance.api.call(address, Requests.updateNamesrvConfig, {}, { body }),
    );
  }

  // Key-value configuration

  /** Keys and values of a namespace; empty when there is no such namespace. Java: getKVListByNamespace. */
  async keyValues(namespace: string): Promise<Properties> {
    const { code, body } = await this.brokers.instance.api.callNameServer(
      Requests.getKvlistByNamespace,
      { namespace },
      { accept: [ResponseCode.SUCCESS, ResponseCode.QUERY_NOT_FOUND] },
    );
    return code === ResponseCode.SUCCESS ? parseKVTable(body).table : {};
  }

  /** Undefined when there is none. Java: getKVConfig. */
  keyValue(namespace: string, key: string): Promise<string | undefined> {
    return getKeyValue(this.brokers, namespace, key);
  }

  /** Java: createAndUpdateKvConfig. @throws PartialError when only some name servers took it */
  putKeyValue(namespace: string, key: string, value: string): Promise<void> {
    return putKeyValue(this.brokers, namespace, key, value);
  }

  /** Java: deleteKvConfig. */
  deleteKeyValue(namespace: string, key: string): Promise<void> {
    return deleteKeyValue(this.brokers, namespace, key);
  }

  // Taking a broker out of service

  /**
   * Tells producers to send elsewhere: name servers take the write permission out of all routes of the broker, until it starts
   * again or {@link addWritePerm}. Consumers go on. Resolves to the number of topics per name server. Java: wipeWritePermOfBroker.
   */
  async wipeWritePerm(brokerName: string): Promise<Gathered<NameServerAnswer & { readonly topics: number }>> {
    return gather(await this.brokers.nameServers(), async ({ address }) => {
      const { fields } = await this.brokers.instance.api.call(address, Requests.wipeWritePermOfBroker, { brokerName });
      return [{ address, topics: fields.wipeTopicCount }];
    });
  }

  /** Takes {@link wipeWritePerm} back. Java: addWritePermOfBroker. */
  async addWritePerm(brokerName: string): Promise<Gathered<NameServerAnswer & { readonly topics: number }>> {
    return gather(await this.brokers.nameServers(), async ({ address }) => {
      const { fields } = await this.brokers.instance.api.call(address, Requests.addWritePermOfBroker, { brokerName });
      return [{ address, topics: fields.addTopicCount }];
    });
  }
}
