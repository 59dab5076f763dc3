import { connect, createServer, type Server, type Socket } from 'node:net';

/** What a {@link TcpProxy} does with connections. */
export type ProxyMode =
  /** Bytes pass. */
  | 'forward'
  /** Connections stay open, and new ones are taken, but no byte passes: what a network does that swallows packets. */
  | 'stall'
  /** New connections are closed at once; those open stay. */
  | 'refuse';

/** Stands between a client and a server on 127.0.0.1, to break what is between them without touching either. */
export class TcpProxy {
  readonly #target: () => number;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [client: Socket, server: Socket]>();
  readonly #frozen = new Set<readonly Socket[]>();
  #mode: ProxyMode = 'forward';

  private constructor(target: () => number) {
    this.#target = target;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Listens on a free port. @param target port of the server; a function is asked for every connection */
  static async start(target: number | (() => number)): Promise<TcpProxy> {
    const proxy = new TcpProxy(typeof target === 'number' ? () => target : target);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** From now on. What arrives while bytes stall waits in the sockets and passes later. */
  set mode(mode: ProxyMode) {
    this.#mode = mode;
    for (const pair of this.#pairs) if (!this.#frozen.has(pair)) this.#apply(pair);
  }

  /** The connections of now pass nothing any more and never close: half open, as after a host vanished. New ones work. */
  freeze(): void {
    for (const pair of this.#pairs) {
      this.#frozen.add(pair);
      for (const socket of pair) socket.pause();
    }
  }

  /** Resets all connections, towards both ends. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.cut();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(client: Socket): void {
    if (this.#mode === 'refuse') {
      client.on('error', () => {}).destroy();
      return;
    }
    const server = connect({ host: '127.0.0.1', port: this.#target() });
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [server, client]] as const) {
      from.on('data', (bytes) => to.write(bytes));
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
        this.#frozen.delete(pair);
      });
    }
    this.#apply(pair);
  }

  #apply(pair: readonly Socket[]): void {
    for (const socket of pair) {
      if (this.#mode === 'stall') socket.pause();
      else socket.resume();
    }
  }
}
