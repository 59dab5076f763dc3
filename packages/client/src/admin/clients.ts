import {
  type ClientConnection,
  type ConsumerConnection,
  type ConsumerRunningInfo,
  type MessageQueue,
  type ProducerTableInfo,
  parseConsumerConnection,
  parseConsumerRunningInfo,
  parseGetConsumerStatusBody,
  parseProducerConnection,
  parseProducerTableInfo,
  Requests,
  ResponseCode,
  ResponseError,
  retryTopic,
  versionName,
} from '@rocketnest/protocol';
import type { BrokersOf, Where } from './brokers-of.js';
import { type BrokerFailure, type BrokerTarget, changeAll, type Gathered, gather } from './gathered.js';

/** Brokers give a client 10 s to answer. ms */
const ASK_CLIENT_TIMEOUT_MS = 12_000;

/** A connected client of a group. */
export interface GroupMember {
  readonly clientId: string;
  /** "host:port" the connection comes from. */
  readonly clientAddr: string;
  /** Java, NODE_JS, GO, CPP … Java: LanguageCode. */
  readonly language: string;
  /** For example "V5_5_0". */
  readonly version: string;
  /** Brokers it is connected to. */
  readonly brokers: readonly string[];
}

/** The members of a consumer group and what they said about it. */
export interface ConsumerGroupMembers
  extends Pick<ConsumerConnection, 'subscriptionTable' | 'consumeType' | 'messageModel' | 'consumeFromWhere'> {
  readonly members: readonly GroupMember[];
  readonly failures: readonly BrokerFailure[];
}

/** A client of a producer group at one broker. */
export interface ProducerMember extends BrokerTarget {
  readonly group: string;
  readonly clientId: string;
  readonly clientAddr: string;
  readonly language: string;
  readonly version: string;
  /** Of its last heartbeat, ms since 1970. */
  readonly lastHeartbeat: number;
}

/** Where one consumer is in one queue. */
export interface ClientOffset {
  readonly clientId: string;
  readonly queue: MessageQueue;
  readonly offset: number;
}

/** The programs connected to the brokers: who they are, what they do. */
export class ClientAdmin {
  constructor(private readonly brokers: BrokersOf) {}

  /**
   * Live members of a consumer group; no members when none is connected. Java: examineConsumerConnectionInfo, which asks one
   * broker only.
   */
  async consumers(consumerGroup: string): Promise<ConsumerGroupMembers> {
    const { items, failures } = await gather(await this.brokersOf(consumerGroup), async (target) => {
      const { code, body } = await this.brokers.instance.api.call(
        target.address,
        Requests.getConsumerConnectionList,
        { consumerGroup },
        { accept: [ResponseCode.SUCCESS, ResponseCode.CONSUMER_NOT_ONLINE] },
      );
      return code === ResponseCode.SUCCESS ? [{ target, connection: parseConsumerConnection(body) }] : [];
    });
    const { subscriptionTable = {}, consumeType, messageModel, consumeFromWhere } = items[0]?.connection ?? {};
    return {
      members: membersOf(items.map(({ target, connection }) => ({ target, connections: connection.connectionSet }))),
      ...{ subscriptionTable, consumeType, messageModel, consumeFromWhere, failures },
    };
  }

  /** Live members of a producer group that sent to a topic. Java: examineProducerConnectionInfo. */
  async producers(
    producerGroup: string,
    topic: string,
  ): Promise<{ readonly members: readonly GroupMember[]; readonly failures: readonly BrokerFailure[] }> {
    const { items, failures } = await gather(await this.brokers.ofTopic(topic), async (target) => {
      // A broker without such a producer answers SYSTEM_ERROR "the producer group[…] not exist".
      const { code, body } = await this.brokers.instance.api.call(
        target.address,
        Requests.getProducerConnectionList,
        { producerGroup },
        { accept: [ResponseCode.SUCCESS, ResponseCode.SYSTEM_ERROR] },
      );
      return code === ResponseCode.SUCCESS
        ? [{ target, connections: parseProducerConnection(body).connectionSet }]
        : [];
    });
    return { members: membersOf(items), failures };
  }

  /** Every producer of every group, per broker. Java: getAllProducerInfo. */
  async allProducers(where: Where = {}): Promise<Gathered<ProducerMember>> {
    return gather(await this.brokers.masters(where), async ({ brokerName, address }) => {
      const { body } = await this.brokers.instance.api.call(address, Requests.getAllProducerInfo, {});
      return Object.entries(parseProducerTableInfo(body).data).flatMap(([group, clients]) =>
        clients.map((client) => ({ brokerName, address, group, ...producerOf(client) })),
      );
    });
  }

  /**
   * What one consumer is doing: its queues with offsets and cached messages, rates, subscriptions, options.
   * @param options.stack has the client add what its threads (Java), or running handlers, are at: `jstack` in the answer
   * Rejects with ResponseError when no broker has the client online. Java: getConsumerRunningInfo.
   */
  async runningInfo(
    consumerGroup: string,
    clientId: string,
    options: { readonly stack?: boolean } = {},
  ): Promise<ConsumerRunningInfo> {
    const fields = { consumerGroup, clientId, jstackEnable: options.stack ?? false };
    let failure: unknown;
    for (const { address } of await this.brokersOf(consumerGroup)) {
      try {
        const { body } = await this.brokers.instance.api.call(address, Requests.getConsumerRunningInfo, fields, {
          timeoutMs: ASK_CLIENT_TIMEOUT_MS,
        });
        return parseConsumerRunningInfo(body);
      } catch (error) {
        // Another broker may know the client; a timeout of the client would be the same there.
        if (error instanceof ResponseError && error.responseCode === ResponseCode.CONSUME_MSG_TIMEOUT) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  /**
   * Where the consumers of a group are, as they say themselves: offsets not yet committed included.
   * @param clientId only this one. Default: all
   * Java: getConsumeStatus.
   */
  async consumeStatus(consumerGroup: string, topic: string, clientId?: string): Promise<Gathered<ClientOffset>> {
    return gather(await this.brokers.ofTopic(topic), async ({ address }) => {
      const { body } = await this.brokers.instance.api.call(
        address,
        Requests.invokeBrokerToGetConsumerStatus,
        { topic, group: consumerGroup, clientAddr: clientId },
        { timeoutMs: ASK_CLIENT_TIMEOUT_MS },
      );
      return Object.entries(parseGetConsumerStatusBody(body).consumerTable).flatMap(([id, offsets]) =>
        offsets.map(({ queue, offset }) => ({ clientId: id, queue, offset })),
      );
    }).then(({ items, failures }) => ({ items: distinctOffsets(items), failures }));
  }

  /**
   * Has all brokers forget a client's groups, so that others take over its queues now instead of after 120 s. For clients that
   * are gone: a living one comes back with its next heartbeat. Java: unregisterClient.
   */
  async unregister(
    clientId: string,
    groups: { readonly producerGroup?: string; readonly consumerGroup?: string },
  ): Promise<void> {
    await changeAll(await this.brokers.members(), `Client ${clientId} is unregistered`, ({ address }) =>
      this.brokers.instance.api.unregisterClient(address, { clientID: clientId, ...groups }),
    );
  }

  /** Brokers that know a consumer group: those of its retry topic. */
  private brokersOf(consumerGroup: string): Promise<BrokerTarget[]> {
    return this.brokers.ofTopic(retryTopic(consumerGroup));
  }
}

/** One entry per client, whichever brokers named it. */
function membersOf(
  answers: readonly { readonly target: BrokerTarget; readonly connections: readonly ClientConnection[] }[],
): GroupMember[] {
  const members = new Map<string, GroupMember & { brokers: string[] }>();
  for (const { target, connections } of answers) {
    for (const { clientId = '', clientAddr = '', language = 'UNKNOWN', version } of connections) {
      const known = members.get(clientId);
      if (known !== undefined) known.brokers.push(target.brokerName);
      else {
        members.set(clientId, {
          ...{ clientId, clientAddr, language },
          version: versionName(version),
          brokers: [target.brokerName],
        });
      }
    }
  }
  return [...members.values()].sort((a, b) => (a.clientId < b.clientId ? -1 : 1));
}

function producerOf({
  clientId = '',
  remoteIP = '',
  language = 'UNKNOWN',
  version,
  lastUpdateTimestamp,
}: ProducerTableInfo['data'][string][number]): Omit<ProducerMember, 'group' | keyof BrokerTarget> {
  return {
    clientId,
    clientAddr: remoteIP,
    language,
    version: versionName(version),
    lastHeartbeat: lastUpdateTimestamp,
  };
}

/** Each broker passes the question on, so a client answers once per broker of the topic. */
function distinctOffsets(offsets: readonly ClientOffset[]): ClientOffset[] {
  const seen = new Map(
    offsets.map((entry) => [`${entry.clientId} ${entry.queue.brokerName} ${entry.queue.queueId}`, entry]),
  );
  return [...seen.values()];
}
