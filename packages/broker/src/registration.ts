import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import {
  crc32,
  createRequest,
  type DecodedCommand,
  decodeFields,
  encodeDataVersion,
  encodeRegisterBrokerBody,
  encodeRegisterBrokerParts,
  PermName,
  parseKVTable,
  type RegisterBrokerBody,
  type RemotingCommand,
  Requests,
  ResponseCode,
  responseCodeName,
  type TopicConfig,
} from '@rocketnest/protocol';
import type { Logger, RemotingClient } from '@rocketnest/remoting';
import type { BrokerOptions } from './options.js';
import { infoOf } from './static-topic/mapping.js';
import type { MappingTable } from './static-topic/mapping-table.js';
import type { TopicTable } from './topics.js';

export interface RegistrationParts {
  readonly options: BrokerOptions;
  readonly logger: Logger;
  readonly client: RemotingClient;
  readonly topics: TopicTable;
  /** Queues of static topics. */
  readonly mappings: Pick<MappingTable, 'all'>;
  /** `brokerIP1:port`. */
  readonly address: () => string;
  /** `brokerIP2:haPort`. */
  readonly haAddress: () => string;
}

/** Time allowed for saying good-bye to a name server (`BrokerOuterAPI.unregisterBroker`). */
const UNREGISTER_TIMEOUT_MS = 3_000;
/** First pause before a name server that failed is tried again; doubles up to `registerNameServerPeriod`. */
const FIRST_RETRY_MS = 1_000;

/**
 * One name server: its rounds never overlap, and all changes that come during a round share the next one. A round that
 * failed is repeated soon, so that it does not matter whether the name server or the broker is started first.
 */
class Announcer {
  private running: Promise<void> = Promise.resolve();
  private queued: Promise<void> | null = null;
  private retry: NodeJS.Timeout | undefined;
  private retryMs = FIRST_RETRY_MS;

  constructor(
    readonly nameServer: string,
    /** Resolves with false when the name server could not be told. */
    private readonly round: (nameServer: string, isRetry: boolean) => Promise<boolean>,
    private readonly maxRetryMs: () => number,
  ) {}

  /** Resolves when a round that started after this call has ended. */
  announce(): Promise<void> {
    this.queued ??= this.running.then(() => {
      this.queued = null;
      this.running = this.run();
      return this.running;
    });
    return this.queued;
  }

  /** No retry from now on. */
  close(): void {
    clearTimeout(this.retry);
    this.retryMs = Number.POSITIVE_INFINITY;
  }

  private async run(): Promise<void> {
    clearTimeout(this.retry);
    if (await this.round(this.nameServer, this.retryMs > FIRST_RETRY_MS)) {
      this.retryMs = FIRST_RETRY_MS;
    } else if (Number.isFinite(this.retryMs)) {
      this.retry = setTimeout(() => void this.announce(), this.retryMs);
      this.retryMs = Math.min(this.retryMs * 2, this.maxRetryMs());
    }
  }
}

/**
 * Keeps every name server informed: REGISTER_BROKER with all topics at start, at every interval and after a topic changed;
 * UNREGISTER_BROKER at stop (`BrokerOuterAPI.registerBrokerAll`). A name server that does not answer is tried again after
 * 1 s, 2 s, 4 s … up to the interval, forever, and does not delay the others. (Apache waits for the next interval.)
 */
export class Registration {
  private announcers: readonly Announcer[];
  private scheduled: NodeJS.Immediate | null = null;
  private closed = true;

  constructor(private readonly parts: RegistrationParts) {
    this.announcers = this.announcersOf([]);
  }

  /** `namesrvAddr` changed: new name servers are told now, those that are no longer named are left to forget this broker. */
  nameServersChanged(): void {
    const known = this.announcers;
    this.announcers = this.announcersOf(known);
    for (const gone of known) if (!this.announcers.includes(gone)) gone.close();
    if (!this.closed) void this.registerNow();
  }

  /** One announcer for each name server, those there already being kept. */
  private announcersOf(known: readonly Announcer[]): readonly Announcer[] {
    const { options } = this.parts;
    const addresses = options.namesrvAddr.split(';').map((address) => address.trim());
    return [...new Set(addresses)]
      .filter((address) => address !== '')
      .map(
        (address) =>
          known.find(({ nameServer }) => nameServer === address) ??
          new Announcer(
            address,
            (nameServer, isRetry) => this.register(nameServer, isRetry),
            () => options.registerNameServerPeriod,
          ),
      );
  }

  /** Registers for the first time; resolves when every name server has answered or failed. */
  async start(): Promise<void> {
    this.closed = false;
    await this.registerNow();
  }

  /** A topic changed: registers soon, once for all changes of this turn. */
  topicChanged(): void {
    if (this.closed || this.scheduled !== null) return;
    this.scheduled = setImmediate(() => {
      this.scheduled = null;
      void this.registerNow();
    });
  }

  /** Registers with every name server. Never rejects: failures are logged. */
  async registerNow(): Promise<void> {
    await Promise.all(this.announcers.map((announcer) => announcer.announce()));
  }

  /** Tells the name servers that this broker goes away. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    if (this.scheduled !== null) clearImmediate(this.scheduled);
    for (const announcer of this.announcers) announcer.close();
    // A round under way is not waited for: requests of one connection arrive in order.
    await Promise.all(this.announcers.map(({ nameServer }) => this.unregister(nameServer)));
  }

  private async register(nameServer: string, isRetry: boolean): Promise<boolean> {
    if (this.closed) return true;
    const { options, topics, mappings } = this.parts;
    if (!options.forceRegister && !(await this.isChanged(nameServer))) return true;
    const topicsAndMappings: RegisterBrokerBody = {
      topicConfigSerializeWrapper: {
        topicQueueMappingInfoMap: Object.fromEntries(
          [...mappings.all].map(([name, mapping]) => [name, infoOf(mapping)]),
        ),
        dataVersion: topics.dataVersion,
        topicConfigTable: Object.fromEntries([...topics.all].map(([name, topic]) => [name, this.announced(topic)])),
      },
      filterServerList: [],
    };
    const compressed = options.compressedRegister;
    const body = compressed
      ? await promisify(deflate)(encodeRegisterBrokerParts(topicsAndMappings))
      : encodeRegisterBrokerBody(topicsAndMappings);
    const request = createRequest(
      Requests.registerBroker,
      {
        brokerName: options.brokerName,
        brokerAddr: this.parts.address(),
        clusterName: options.brokerClusterName,
        haServerAddr: this.parts.haAddress(),
        brokerId: options.brokerId,
        enableActingMaster: false,
        compressed,
        bodyCrc32: crc32(body),
      },
      body,
    );
    const response = await this.tell(nameServer, 'register with', request, options.registerBrokerTimeoutMills, isRetry);
    const known = response !== undefined;
    if (response?.body) this.takeOrderTopics(nameServer, response.body);
    if (known && isRetry) this.parts.logger.info('registered with a name server at last', { nameServer });
    return known;
  }

  private async unregister(nameServer: string): Promise<void> {
    const { brokerName, brokerClusterName, brokerId } = this.parts.options;
    const request = createRequest(Requests.unregisterBroker, {
      brokerName,
      brokerAddr: this.parts.address(),
      clusterName: brokerClusterName,
      brokerId,
    });
    await this.tell(nameServer, 'unregister from', request, UNREGISTER_TIMEOUT_MS);
  }

  /** A broker that may not be written or read takes that permission from all its topics. */
  private announced(topic: TopicConfig): TopicConfig {
    const { brokerPermission } = this.parts.options;
    const all = PermName.READ | PermName.WRITE;
    return (brokerPermission & all) === all ? topic : { ...topic, perm: topic.perm & brokerPermission };
  }

  /** Whether a name server lacks this broker's topics, or has others. When it cannot say, it does (`BrokerOuterAPI.needRegister`). */
  private async isChanged(nameServer: string): Promise<boolean> {
    const { client, options, topics } = this.parts;
    const { brokerName, brokerClusterName: clusterName, brokerId } = options;
    const definition = Requests.queryDataVersion;
    const fields = { brokerName, brokerAddr: this.parts.address(), clusterName, brokerId };
    const request = createRequest(definition, fields, encodeDataVersion(topics.dataVersion));
    try {
      const { code, extFields } = await client.request(nameServer, request, {
        timeoutMs: options.registerBrokerTimeoutMills,
      });
      return code !== ResponseCode.SUCCESS || decodeFields(definition.response, extFields, definition.name).changed;
    } catch {
      return true;
    }
  }

  /** A name server answers with the topics that it has an order configuration for. */
  private takeOrderTopics(nameServer: string, body: Buffer): void {
    try {
      this.parts.topics.markOrdered(Object.keys(parseKVTable(body).table));
    } catch (error) {
      this.parts.logger.warn('order configuration of a name server ignored', { nameServer, error });
    }
  }

  /** The answer; undefined when it failed, which is said once, not with every retry. */
  private async tell(
    nameServer: string,
    what: string,
    request: RemotingCommand,
    timeoutMs: number,
    isRetry = false,
  ): Promise<DecodedCommand | undefined> {
    try {
      const response = await this.parts.client.request(nameServer, request, { timeoutMs });
      const { code, remark } = response;
      if (code !== ResponseCode.SUCCESS) throw new Error(`it answered ${responseCodeName(code)}: ${remark}`);
      return response;
    } catch (error) {
      this.parts.logger[isRetry ? 'debug' : 'warn'](`cannot ${what} a name server`, { nameServer, error });
      return undefined;
    }
  }
}
