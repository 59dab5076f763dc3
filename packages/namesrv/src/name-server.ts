import { ConfigurationError, createRequest, formatProperties, Requests } from '@rocketnest/protocol';
import {
  type Connection,
  type Logger,
  RemotingClient,
  RemotingServer,
  silentLogger,
  tlsOf,
} from '@rocketnest/remoting';
import { writeText } from './files.js';
import { KvConfig } from './kv-config.js';
import { configEntries, type NameServerConfig, resolveConfig } from './options.js';
import { createProcessors } from './processors.js';
import { type BrokerIdentity, type MinBrokerIdChange, RouteTable } from './route-table.js';

/** Any part of {@link NameServerConfig} (see `namesrvOptionTable` for meanings and defaults), and: */
export interface NameServerOptions extends Partial<NameServerConfig> {
  /** Default: silent. */
  readonly logger?: Logger;
  /** Milliseconds since 1970. Default: `Date`. */
  readonly clock?: { now(): number };
}

/** How long a notification of brokers may take (Java: `RouteInfoManager.notifyMinBrokerIdChanged`). */
const NOTIFY_TIMEOUT_MS = 300;

/**
 * Brokers register here with their topics, clients ask here where a topic is (Java: `NamesrvController`). Name servers know nothing
 * of each other: brokers register with all of them.
 */
export class NameServer {
  /** The request codes that it answers; others get REQUEST_CODE_NOT_SUPPORTED. */
  readonly requestCodes: readonly number[];
  readonly #config: NameServerConfig;
  readonly #logger: Logger;
  readonly #routes: RouteTable;
  readonly #kv: KvConfig;
  readonly #server: RemotingServer;
  readonly #client: RemotingClient;
  readonly #now: () => number;
  #startedAt = 0;
  #scan: NodeJS.Timeout | null = null;
  #closed = false;

  /** @throws ConfigurationError naming an option with a wrong value. */
  constructor({ logger = silentLogger, clock = Date, ...given }: NameServerOptions = {}) {
    this.#config = resolveConfig(given);
    this.#logger = logger;
    this.#now = () => clock.now();
    const { tlsMode, tlsEnable, tlsConfigFile } = this.#config;
    const tls = tlsOf({ 'tls.server.mode': tlsMode, 'tls.enable': tlsEnable, 'tls.config.file': tlsConfigFile });
    this.#client = new RemotingClient({ connectTimeoutMs: NOTIFY_TIMEOUT_MS, logger, tls: tls.client });
    this.#routes = new RouteTable(this.#config, this.#now, this.#notify);
    this.#kv = new KvConfig(this.#config.kvConfigPath || undefined);
    const processors = createProcessors({
      config: this.#config,
      routes: this.#routes,
      kv: this.#kv,
      logger,
      uptimeMs: () => this.#now() - this.#startedAt,
      updateConfig: this.#updateConfig,
    });
    this.requestCodes = [...processors.keys()];
    this.#server = new RemotingServer({
      host: this.#config.host,
      port: this.#config.port,
      idleTimeoutMs: this.#config.idleTimeoutSeconds * 1000,
      tls: tls.server,
      logger,
      onDisconnect: (connection) => this.#gone(this.#routes.connectionClosed(connection), 'its connection closed'),
      processors,
    });
  }

  /** Loads the key-value configuration and listens. Rejects with ConfigurationError or ConnectionError saying what is wrong. */
  async start(): Promise<void> {
    if (this.#closed) throw new ConfigurationError('a closed name server does not start again: create a new one');
    await this.#kv.load();
    await this.#server.start();
    this.#startedAt = this.#now();
    this.#scan = setInterval(this.#expire, this.#config.scanIntervalMs);
  }

  /** The port listened on. @throws ConfigurationError before start. */
  get port(): number {
    return this.#server.port;
  }

  /** `host:port` for clients on this machine: 127.0.0.1 when all addresses are listened on. */
  get address(): string {
    const { host } = this.#config;
    return `${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${this.port}`;
  }

  /** Answers what is under way, then closes all connections. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#scan) clearInterval(this.#scan);
    this.#scan = null;
    await this.#server.close();
    await this.#client.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  readonly #expire = (): void => {
    const dead = this.#routes.expire();
    this.#gone(dead, 'it gave no sign of life for too long');
    for (const { connection } of dead) (connection as Connection).close();
  };

  #gone(brokers: readonly BrokerIdentity[], why: string): void {
    for (const { brokerName, brokerId, brokerAddr } of brokers) {
      this.#logger.warn(`broker ${brokerName}[${brokerId}] at ${brokerAddr} removed: ${why}`);
    }
  }

  readonly #updateConfig = async (changes: Partial<NameServerConfig>): Promise<void> => {
    Object.assign(this.#config, changes);
    if (this.#config.configStorePath) {
      await writeText(this.#config.configStorePath, formatProperties(configEntries(this.#config)));
    }
  };

  readonly #notify = ({ addresses, ...change }: MinBrokerIdChange): void => {
    for (const address of addresses) {
      this.#client
        .sendOneway(address, createRequest(Requests.notifyMinBrokerIdChange, change))
        .catch((error) =>
          this.#logger.warn(`broker at ${address} not told of the new lowest broker id: ${error.message}`),
        );
    }
  };
}
