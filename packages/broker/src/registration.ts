import {
  crc32,
  createRequest,
  encodeRegisterBrokerBody,
  PermName,
  type RemotingCommand,
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

/** One name server: its rounds never overlap, and all changes that come during a round share the next one. */
class Announcer {
  private running: Promise<void> = Promise.resolve();
  private queued: Promise<void> | null = null;

  constructor(
    readonly nameServer: string,
    private readonly round: (nameServer: string) => Promise<void>,
  ) {}

  /** Resolves when a round that started after this call has ended. */
  announce(): Promise<void> {
    this.queued ??= this.running.then(() => {
      this.queued = null;
      this.running = this.round(this.nameServer);
      return this.running;
    });
    return this.queued;
  }
}

/**
 * Keeps every name server informed: REGISTER_BROKER with all topics at start, at every interval and after a topic changed;
 * UNREGISTER_BROKER at stop (`BrokerOuterAPI.registerBrokerAll`). A name server that does not answer is tried again at the
 * next interval, forever, and does not delay the others.
 */
export class Registration {
  private readonly announcers: readonly Announcer[];
  private scheduled: NodeJS.Immediate | null = null;
  private closed = true;

  constructor(private readonly parts: RegistrationParts) {
    this.announcers = parts.options.namesrvAddr
      .split(';')
      .map((address) => address.trim())
      .filter((address) => address !== '')
      .map((address) => new Announcer(address, (nameServer) => this.register(nameServer)));
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
    // A round under way is not waited for: requests of one connection arrive in order.
    await Promise.all(this.announcers.map(({ nameServer }) => this.unregister(nameServer)));
  }

  private async register(nameServer: string): Promise<void> {
    if (this.closed) return;
    const { options, topics } = this.parts;
    const body = encodeRegisterBrokerBody({
      topicConfigSerializeWrapper: {
        dataVersion: topics.dataVersion,
        topicConfigTable: Object.fromEntries([...topics.all].map(([name, topic]) => [name, this.announced(topic)])),
      },
      filterServerList: [],
    });
    const request = createRequest(
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
    );
    await this.tell(nameServer, 'register with', request, options.registerBrokerTimeoutMills);
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

  private async tell(nameServer: string, what: string, request: RemotingCommand, timeoutMs: number): Promise<void> {
    try {
      const { code, remark } = await this.parts.client.request(nameServer, request, { timeoutMs });
      if (code !== ResponseCode.SUCCESS) throw new Error(`it answered ${responseCodeName(code)}: ${remark}`);
    } catch (error) {
      this.parts.logger.warn(`cannot ${what} a name server`, { nameServer, error });
    }
  }
}
