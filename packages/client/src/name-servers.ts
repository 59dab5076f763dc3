import {
  ClosedError,
  ConfigurationError,
  ConnectionError,
  type RemotingCommand,
  RequestCode,
  ResponseCode,
  TimeoutError,
  WrongPeerError,
} from '@rocketnest/protocol';
import type { Logger, RemotingClient } from '@rocketnest/remoting';
import { silentLogger } from '@rocketnest/remoting';
import { nameServersOf } from './environment.js';
import { NameServerEndpoint } from './name-server-endpoint.js';

/** Ports people confuse with a name server's: what usually listens there. */
const FOREIGN_PORTS: Readonly<Record<string, string>> = {
  '8080': "the RocketMQ Proxy's remoting port or the dashboard",
  '8081': "the RocketMQ Proxy's gRPC port",
  '10909': "a broker's fast port",
  '10911': 'a broker',
  '10912': "a broker's replication port",
};

/**
 * Splits "h:p;h:p" into addresses. "http://h:p", as clouds give them out, is the same as "h:p".
 * @param where what the list is called in errors
 * @throws ConfigurationError on an entry without a host or a port
 */
export function parseNameServers(namesrvAddr: string, where = 'namesrvAddr'): readonly string[] {
  const addresses = namesrvAddr.split(/[;,]/).map((entry) => entry.trim().replace(/^https?:\/\//, ''));
  const given = addresses.filter((entry) => entry !== '');
  for (const address of given) {
    const port = Number(/^.+:(\d+)$/.exec(address)?.[1]);
    if (!(port >= 1 && port <= 65_535)) {
      throw new ConfigurationError(
        `${where} has the entry "${address}", which is not "host:port". Give the name servers as "10.0.0.1:9876;10.0.0.2:9876".`,
        { context: { namesrvAddr } },
      );
    }
  }
  if (given.length === 0) {
    throw new ConfigurationError(
      `${where} is empty. Give at least one name server as "host:port", for example "127.0.0.1:9876".`,
      {
        context: { namesrvAddr },
      },
    );
  }
  return Object.freeze([...new Set(given)]);
}

/** " Port 8081 is usually …" for every address on a port that is not a name server's, else an empty string. */
export function foreignPortHint(addresses: readonly string[]): string {
  for (const address of addresses) {
    const port = address.slice(address.lastIndexOf(':') + 1);
    const owner = FOREIGN_PORTS[port];
    if (owner !== undefined) {
      return ` Port ${port} is usually ${owner}; this client speaks remoting to a name server, whose port is 9876 by default.`;
    }
  }
  return '';
}

/** Whether the next name server may do better. */
const isUnreachable = (error: unknown): boolean =>
  error instanceof ConnectionError ||
  error instanceof TimeoutError ||
  error instanceof ClosedError ||
  error instanceof WrongPeerError;

/** Where the list comes from: the first that is given. */
export interface NameServerSource {
  readonly namesrvAddr?: string | undefined;
  readonly nameServerEndpoint?: string | undefined;
  readonly unitName?: string | undefined;
}

export interface NameServersOptions extends NameServerSource {
  readonly remoting: RemotingClient;
  readonly requestTimeoutMs: number;
  readonly logger?: Logger;
  /** How often the endpoint is asked again. */
  readonly endpointIntervalMs?: number;
  /** A name server answered. */
  readonly onAnswer?: (address: string) => void;
  /** The list changed at run time. */
  readonly onChange?: (addresses: readonly string[]) => void;
}

/**
 * The list of name servers. One is used until it fails, then the next in turn (Java: NettyRemotingClient's
 * namesrvAddrChoosed); a request tries each of them once before it gives up. The list comes from the option namesrvAddr or the page at
 * nameServerEndpoint, else from the environment, and may change at run time.
 */
export class NameServers {
  private list: readonly string[] = [];
  private current = 0;
  private readonly endpoint: NameServerEndpoint | undefined;
  private readonly logger: Logger;

  /** @throws ConfigurationError when no name server is named anywhere, or in two ways */
  constructor(private readonly options: NameServersOptions) {
    this.logger = options.logger ?? silentLogger;
    const { namesrvAddr, nameServerEndpoint: url, where } = sourceOf(options);
    if (namesrvAddr !== undefined) this.list = parseNameServers(namesrvAddr, where);
    if (url !== undefined) this.endpoint = this.endpointAt(url);
    // Clients that start together should not all load the first name server.
    this.current = Math.floor(Math.random() * this.list.length);
  }

  /** As last known: empty before the endpoint has answered for the first time. */
  get addresses(): readonly string[] {
    return this.list;
  }

  /**
   * Uses another list from now on; connections to servers that are not in it are closed. An endpoint's next answer replaces it.
   * Java: MQClientAPIImpl.updateNameServerAddressList.
   * @throws ConfigurationError on an entry that is not "host:port"
   */
  update(namesrvAddr: string | readonly string[]): void {
    const next = parseNameServers(typeof namesrvAddr === 'string' ? namesrvAddr : namesrvAddr.join(';'));
    const before = this.list;
    if (next.length === before.length && next.every((address) => before.includes(address))) return;
    this.list = next;
    this.current = Math.floor(Math.random() * next.length);
    this.logger.info('the list of name servers changed', { nameServers: next, before });
    for (const address of before) if (!next.includes(address)) this.options.remoting.closeConnection(address);
    this.options.onChange?.(next);
  }

  /** Begins to follow the endpoint, if there is one. */
  start(): void {
    this.endpoint?.start();
  }

  close(): void {
    this.endpoint?.close();
  }

  /**
   * The answer of the first name server that is reachable, whatever its response code.
   *
   * Rejects with WrongPeerError when none is and something else answers at an address, else with ConnectionError.
   */
  async request(create: () => RemotingCommand, timeoutMs = this.options.requestTimeoutMs): Promise<RemotingCommand> {
    if (this.list.length === 0) await this.endpoint?.refresh();
    const failures: Error[] = [];
    const asked = this.list;
    for (let attempt = 0; attempt < asked.length; attempt++) {
      const address = this.list[this.current % this.list.length]!;
      try {
        const response = await this.ask(address, create(), timeoutMs);
        this.options.onAnswer?.(address);
        return response;
      } catch (error) {
        if (!isUnreachable(error)) throw error;
        failures.push(new Error(`${address}: ${(error as Error).message}`, { cause: error }));
        this.current = (this.current + 1) % this.list.length;
      }
    }
    throw this.noneAnswers(failures);
  }

  private async ask(address: string, command: RemotingCommand, timeoutMs: number): Promise<RemotingCommand> {
    const { code } = command;
    const response = await this.options.remoting.request(address, command, { timeoutMs });
    if (code !== RequestCode.GET_ROUTEINFO_BY_TOPIC || response.code !== ResponseCode.REQUEST_CODE_NOT_SUPPORTED)
      return response;
    throw new WrongPeerError(
      `${address} is a RocketMQ server but not a name server, probably a broker. Give the address of a name server: it listens on 9876 by default.`,
      { context: { address } },
    );
  }

  private noneAnswers(failures: readonly Error[]): Error {
    const wrong = failures.map(({ cause }) => cause).find((cause) => cause instanceof WrongPeerError);
    const addresses = this.list;
    const options = { cause: failures.at(-1)?.cause, context: { nameServers: addresses } };
    if (wrong !== undefined && failures.length === 1) return new WrongPeerError(wrong.message, options);
    const told = failures.map(({ message }) => message).join('; ');
    const message = `No name server answers (${told}). Check namesrvAddr and that a name server is running there.${foreignPortHint(addresses)}`;
    return wrong === undefined ? new ConnectionError(message, options) : new WrongPeerError(message, options);
  }

  private endpointAt(url: string): NameServerEndpoint {
    const { unitName, endpointIntervalMs } = this.options;
    return new NameServerEndpoint({
      url,
      unitName,
      logger: this.logger,
      ...(endpointIntervalMs === undefined ? {} : { intervalMs: endpointIntervalMs }),
      onAddresses: (namesrvAddr) => this.update(namesrvAddr),
    });
  }
}

/** What the options say, else the environment. */
function sourceOf({ namesrvAddr, nameServerEndpoint }: NameServerSource): NameServerSource & { where?: string } {
  if (namesrvAddr !== undefined && nameServerEndpoint !== undefined) {
    throw new ConfigurationError(
      'Both namesrvAddr and nameServerEndpoint are given. Give the addresses of the name servers, or the page that lists them.',
      { context: { namesrvAddr, nameServerEndpoint } },
    );
  }
  if (namesrvAddr !== undefined || nameServerEndpoint !== undefined) return { namesrvAddr, nameServerEndpoint };
  const env = nameServersOf();
  if (env.namesrvAddr !== undefined)
    return { namesrvAddr: env.namesrvAddr, where: 'The environment variable NAMESRV_ADDR' };
  if (env.nameServerEndpoint !== undefined) return { nameServerEndpoint: env.nameServerEndpoint };
  throw new ConfigurationError(
    'No name server is given. Set the option namesrvAddr ("host:port", several separated by ";"), the option nameServerEndpoint (the URL of a page that lists them), or the environment variable NAMESRV_ADDR.',
  );
}
