import {
  ClosedError,
  ConfigurationError,
  ConnectionError,
  type RemotingCommand,
  TimeoutError,
} from '@rocketnest/protocol';
import type { RemotingClient } from '@rocketnest/remoting';

/** Ports people confuse with a name server's: what usually listens there. */
const FOREIGN_PORTS: Readonly<Record<string, string>> = {
  '8080': "the RocketMQ Proxy's remoting port or the dashboard",
  '8081': "the RocketMQ Proxy's gRPC port",
  '10911': 'a broker',
};

/** Splits "h:p;h:p" into addresses. @throws ConfigurationError on an entry without a host or a port */
export function parseNameServers(namesrvAddr: string): readonly string[] {
  const addresses = namesrvAddr.split(/[;,]/).map((entry) => entry.trim().replace(/^https?:\/\//, ''));
  const given = addresses.filter((entry) => entry !== '');
  for (const address of given) {
    const port = Number(/^.+:(\d+)$/.exec(address)?.[1]);
    if (!(port >= 1 && port <= 65_535)) {
      throw new ConfigurationError(
        `namesrvAddr has the entry "${address}", which is not "host:port". Give the name servers as "10.0.0.1:9876;10.0.0.2:9876".`,
        { context: { namesrvAddr } },
      );
    }
  }
  if (given.length === 0) {
    throw new ConfigurationError(
      'namesrvAddr is empty. Give at least one name server as "host:port", for example "127.0.0.1:9876".',
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

const isUnreachable = (error: unknown): boolean =>
  error instanceof ConnectionError || error instanceof TimeoutError || error instanceof ClosedError;

/**
 * The list of name servers. One is used until it fails, then the next in turn (Java: NettyRemotingClient's
 * namesrvAddrChoosed); a request tries each of them once before it gives up.
 */
export class NameServers {
  private current: number;
  readonly addresses: readonly string[];

  constructor(
    namesrvAddr: string,
    private readonly remoting: RemotingClient,
    private readonly requestTimeoutMs: number,
  ) {
    this.addresses = parseNameServers(namesrvAddr);
    // Clients that start together should not all load the first name server.
    this.current = Math.floor(Math.random() * this.addresses.length);
  }

  /** The answer of the first name server that is reachable, whatever its response code. */
  async request(create: () => RemotingCommand, timeoutMs = this.requestTimeoutMs): Promise<RemotingCommand> {
    const failures: string[] = [];
    let cause: unknown;
    for (let attempt = 0; attempt < this.addresses.length; attempt++) {
      const address = this.addresses[this.current % this.addresses.length]!;
      try {
        return await this.remoting.request(address, create(), { timeoutMs });
      } catch (error) {
        if (!isUnreachable(error)) throw error;
        failures.push(`${address}: ${(error as Error).message}`);
        cause = error;
        this.current = (this.current + 1) % this.addresses.length;
      }
    }
    throw new ConnectionError(
      `No name server answers (${failures.join('; ')}). Check namesrvAddr and that a name server is running there.${foreignPortHint(this.addresses)}`,
      { cause, context: { nameServers: this.addresses } },
    );
  }
}
