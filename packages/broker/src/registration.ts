import {
  crc32,
  createRequest,
  encodeRegisterBrokerBody,
  PermName,
  Requests,
  ResponseCode,
  responseCodeName,
  type TopicConfig,
} from '@rocketnest/protocol';
import type { Logger, RemotingClient } from '@rocketnest/remoting';
import type { BrokerOptions } from './options.js';
import type { TopicTable } from './topics.js';

export interface RegistrationParts {
  readonly options: BrokerOptions;
  readonly logger: Logger;
  readonly client: RemotingClient;
  readonly topics: TopicTable;
  /** `brokerIP1:port`. */
  readonly address: () => string;
  /** `brokerIP2:haPort`. */
  readonly haAddress: () => string;
}

/** Time allowed for saying good-bye to a name server (`BrokerOuterAPI.unregisterBroker`). */
const UNREGISTER_TIMEOUT_MS = 3_000;

/**
 * Keeps every name server informed: REGISTER_BROKER with all topics at start, at every interval and after a topic changed;
 * UNREGISTER_BROKER at stop (`BrokerOuterAPI.registerBrokerAll`). A name server that does not answer is tried again at the
 * next interval, forever.
 */
export class Registration {
  private readonly nameServers: readonly string[];
  private scheduled: NodeJS.Immediate | null = null;
  private running: Promise<void> = Promise.resolve();
  private closed = true;

  constructor(private readonly parts: RegistrationParts) {
    this.nameServers = parts.options.namesrvAddr
      .split(';')
      .map((address) => address.trim())
      .filter((address) => address !== '');
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
  registerNow(): Promise<void> {
    // One round after the other, so that an old picture never overtakes a newer one.
    this.running = this.running.then(() => this.round());
    return this.running;
  }

  /** Tells the name servers that this broker goes away. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    if (this.scheduled !== null) clearImmediate(this.scheduled);
    await this.running;
    const { brokerName, brokerClusterName, brokerId } = this.parts.options;
    await this.toAll('unregister', UNREGISTER_TIMEOUT_MS, () =>
      createRequest(Requests.unregisterBroker, {
        brokerName,
        brokerAddr: this.parts.address(),
        clusterName: brokerClusterName,
        brokerId,
      }),
    );
  }

  private async round(): Promise<void> {
    if (this.closed || this.nameServers.length === 0) return;
    const { options, topics } = this.parts;
    const body = encodeRegisterBrokerBody({
      topicConfigSerializeWrapper: {
        dataVersion: topics.dataVersion,
        topicConfigTable: Object.fromEntries([...topics.all].map(([name, topic]) => [name, this.announced(topic)])),
      },
      filterServerList: [],
    });
    await this.toAll('register', options.registerBrokerTimeoutMills, () =>
      createRequest(
        Requests.registerBroker,
        {
          brokerName: options.brokerName,
          brokerAddr: this.parts.address(),
          clusterName: options.brokerClusterName,
          haServerAddr: this.parts.haAddress(),
          brokerId: options.brokerId,
          enableActingMaster: false,
          compressed: false,
          bodyCrc32: crc32(body),
        },
        body,
      ),
    );
  }

  /** A broker that may not be written or read takes that permission from all its topics. */
  private announced(topic: TopicConfig): TopicConfig {
    const { brokerPermission } = this.parts.options;
    const all = PermName.READ | PermName.WRITE;
    return (brokerPermission & all) === all ? topic : { ...topic, perm: topic.perm & brokerPermission };
  }

  private async toAll(what: string, timeoutMs: number, request: () => ReturnType<typeof createRequest>): Promise<void> {
    await Promise.all(
      this.nameServers.map(async (nameServer) => {
        try {
          const response = await this.parts.client.request(nameServer, request(), { timeoutMs });
          if (response.code !== ResponseCode.SUCCESS) {
            throw new Error(`answered ${responseCodeName(response.code)}: ${response.remark}`);
          }
        } catch (error) {
          this.parts.logger.warn(`cannot ${what} this broker with a name server`, { nameServer, error });
        }
      }),
    );
  }
}
