import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** A stretch of network between clients and one server, which can be cut, or stand still as when packets get lost. */
export class TcpProxy implements AsyncDisposable {
  /** Both ends of every connection. */
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  /** Connections that wait for the network to come back. */
  readonly #waiting: (() => void)[] = [];
  #stalled = false;

  private constructor(
    readonly address: string,
    private readonly server: Server,
  ) {}

  /** @param target `host:port` */
  static async start(target: string): Promise<TcpProxy> {
    const colon = target.lastIndexOf(':');
    const [host, port] = [target.slice(0, colon), Number(target.slice(colon + 1))];
    // Paused until somebody reads: nothing gets lost while the other end is connected.
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const own = server.address();
    if (own === null || typeof own === 'string') throw new Error('the proxy has no port');
    const proxy = new TcpProxy(`127.0.0.1:${own.port}`, server);
    server.on('connection', (client) =>
      proxy.#accept(client, () => createConnection({ host, port, allowHalfOpen: true })),
    );
    return proxy;
  }

  /** From now on bytes and new connections get nowhere, and nobody is told. */
  stall(): void {
    this.#stalled = true;
    for (const [client, server] of this.#pairs) {
      client.unpipe(server).pause();
      server.unpipe(client).pause();
    }
  }

  /** What was held back arrives. */
  resume(): void {
    this.#stalled = false;
    for (const pair of this.#pairs) join(pair);
    for (const go of this.#waiting.splice(0)) go();
  }

  /** Resets all connections; new ones work. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
    this.cut();
    this.resume();
    await once(this.server, 'close');
  }

  #accept(client: Socket, connect: () => Socket): void {
    client.on('error', () => {});
    if (this.#stalled) {
      this.#waiting.push(() => this.#accept(client, connect));
      return;
    }
    if (client.destroyed || !this.server.listening) {
      client.destroy();
      return;
    }
    const server = connect();
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    for (const [socket, other] of [pair, [server, client] as const]) {
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#pairs.delete(pair);
        other.destroy();
      });
    }
    join(pair);
  }
}

function join([client, server]: readonly [Socket, Socket]): void {
  client.pipe(server);
  server.pipe(client);
}
