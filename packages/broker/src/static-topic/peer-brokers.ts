import {
  createRequest,
  type DecodedCommand,
  parseClusterInfo,
  parseTopicRoute,
  parseTopicStatsTable,
  type RemotingCommand,
  Requests,
  ResponseCode,
  ResponseError,
  requestCodeName,
  responseCodeName,
  type TopicRouteData,
  type TopicStatsTable,
} from '@rocketnest/protocol';
import type { RemotingClient } from '@rocketnest/remoting';
import type { Clock } from '../clock.js';
import type { BrokerOptions } from '../options.js';

export interface PeerBrokersParts {
  readonly options: Pick<BrokerOptions, 'namesrvAddr' | 'forwardTimeout'>;
  readonly clock: Clock;
  readonly client: RemotingClient;
}

const MASTER_ID = 0;
/** Java refreshes this often, asked or not (`BrokerController.refreshBrokerNameMapping`). */
const ADDRESSES_LIVE_MS = 5_000;

/** Requests to other brokers by their names (`RpcClientImpl`); name servers know the addresses. */
export class PeerBrokers {
  private addresses: Promise<ReadonlyMap<string, string>> | null = null;
  private askedAt = 0;

  constructor(private readonly parts: PeerBrokersParts) {}

  /** Rejects with ResponseError SYSTEM_ERROR naming the broker when it is not known or does not answer. */
  async request(brokerName: string, request: RemotingCommand): Promise<DecodedCommand> {
    const what = `${requestCodeName(request.code)} to broker ${brokerName}`;
    try {
      const address = (await this.known()).get(brokerName);
      if (address === undefined) throw new Error('no name server knows a master of that name');
      return await this.parts.client.request(address, request, { timeoutMs: this.parts.options.forwardTimeout });
    } catch (error) {
      throw failed(`${what}: ${(error as Error).message}`);
    }
  }

  /** The route of a topic as a name server has it. Rejects with ResponseError. */
  async route(topic: string): Promise<TopicRouteData> {
    return parseTopicRoute((await this.askNameServers(createRequest(Requests.getRouteinfoByTopic, { topic }))).body);
  }

  /** The physical queues that a broker has of a topic. Rejects with ResponseError. */
  async stats(brokerName: string, topic: string): Promise<TopicStatsTable> {
    const answer = await this.request(brokerName, createRequest(Requests.getTopicStatsInfo, { topic, lo: false }));
    if (answer.code === ResponseCode.SUCCESS) return parseTopicStatsTable(answer.body);
    throw failed(
      `topic ${topic} in broker ${brokerName}: it answered ${responseCodeName(answer.code)}: ${answer.remark}`,
    );
  }

  /** When the last message of a physical queue was stored, in ms since 1970; 0: never. Rejects with ResponseError. */
  async lastStoreTime(topic: string, { bname, queueId }: { bname: string; queueId: number }): Promise<number> {
    const { offsetTable } = await this.stats(bname, topic);
    return offsetTable.find(({ queue }) => queue.queueId === queueId)?.lastUpdateTimestamp ?? 0;
  }

  private known(): Promise<ReadonlyMap<string, string>> {
    const now = this.parts.clock.now();
    if (this.addresses === null || now - this.askedAt >= ADDRESSES_LIVE_MS) {
      this.askedAt = now;
      this.addresses = this.fetch();
      this.addresses.catch(() => {
        this.addresses = null;
      });
    }
    return this.addresses;
  }

  private async fetch(): Promise<ReadonlyMap<string, string>> {
    const { body } = await this.askNameServers(createRequest(Requests.getBrokerClusterInfo, {}));
    const brokers = Object.values(parseClusterInfo(body).brokerAddrTable);
    return new Map(
      brokers.flatMap(({ brokerName, brokerAddrs }) => {
        const address = brokerAddrs[MASTER_ID];
        return address === undefined ? [] : [[brokerName, address] as const];
      }),
    );
  }

  /** The first name server that can. */
  private async askNameServers(request: RemotingCommand): Promise<DecodedCommand> {
    const { options, client } = this.parts;
    const problems: string[] = [];
    for (const nameServer of options.namesrvAddr.split(';').map((each) => each.trim())) {
      if (nameServer === '') continue;
      try {
        const answer = await client.request(nameServer, { ...request }, { timeoutMs: options.forwardTimeout });
        if (answer.code === ResponseCode.SUCCESS) return answer;
        problems.push(`${nameServer} answered ${responseCodeName(answer.code)}: ${answer.remark}`);
      } catch (error) {
        problems.push(`${nameServer}: ${(error as Error).message}`);
      }
    }
    throw failed(`${requestCodeName(request.code)}: ${problems.join('; ') || 'this broker has no name server'}`);
  }
}

const failed = (remark: string): ResponseError =>
  new ResponseError(remark, { responseCode: ResponseCode.SYSTEM_ERROR, remark });
