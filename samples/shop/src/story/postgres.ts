import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { PGlite } from '@electric-sql/pglite';

// Messages of the Postgres protocol, version 3: type, length (its own four bytes included), content.
const QUERY = 0x51;
const FUNCTION_CALL = 0x46;
const SYNC = 0x53;
const TERMINATE = 0x58;
const READY_FOR_QUERY = 0x5a;
const IDLE = 0x49;
/** Startup, SSL and cancel requests have no type. */
const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const CANCEL_REQUEST = 80_877_102;

const message = (type: string, content: Buffer): Buffer => {
  const head = Buffer.alloc(5, type);
  head.writeInt32BE(content.length + 4, 1);
  return Buffer.concat([head, content]);
};
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const parameter = (name: string, value: string): Buffer => message('S', Buffer.from(`${name}\0${value}\0`));
const READY = message('Z', Buffer.from([IDLE]));
const WELCOME = Buffer.concat([
  message('R', int32(0)),
  parameter('server_version', '17.0'),
  parameter('client_encoding', 'UTF8'),
  parameter('standard_conforming_strings', 'on'),
  message('K', Buffer.concat([int32(1), int32(1)])),
  READY,
]);

/**
 * A Postgres for several processes: PGlite, which has a single session, behind a port. Connections take turns; one that is in a transaction
 * keeps its turn until the end, and one that is lost in a transaction is rolled back. For a demonstration: no passwords, and what a session
 * sets holds for all.
 */
export class EmbeddedPostgres {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#serve(socket));
  /** Settles when whoever has the session now gives it back. */
  #turn: Promise<void> = Promise.resolve();

  private constructor(private readonly database: PGlite) {}

  /** It lives in memory. */
  static async start(): Promise<EmbeddedPostgres> {
    const postgres = new EmbeddedPostgres(await PGlite.create());
    postgres.#server.listen(0, '127.0.0.1');
    await once(postgres.#server, 'listening');
    return postgres;
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${(this.#server.address() as AddressInfo).port}/postgres`;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await this.#turn;
    await this.database.close();
  }

  /** Waits for the session. @returns gives it back */
  async #acquire(): Promise<() => void> {
    const before = this.#turn;
    const { promise, resolve } = withResolvers();
    this.#turn = before.then(() => promise);
    await before;
    return resolve;
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {}); // told by the loop below, too
    let release: (() => void) | undefined;
    try {
      for await (const request of requests(socket)) {
        release ??= await this.#acquire();
        const answer = await this.database.execProtocolRaw(request);
        socket.write(answer);
        if (!isIdle(answer)) continue;
        release();
        release = undefined;
      }
    } catch (error) {
      // A process that is killed loses its connections.
      if (!socket.destroyed) console.error(error);
    } finally {
      if (release !== undefined) await this.database.execProtocolRaw(message('Q', Buffer.from('rollback\0')));
      release?.();
      socket.destroy();
      this.#sockets.delete(socket);
    }
  }
}

/** What is to be run in one go: messages up to one that is answered by ReadyForQuery. The conversation's beginning is answered here. */
async function* requests(socket: Socket): AsyncGenerator<Buffer> {
  let bytes: Buffer = Buffer.alloc(0);
  let isOpen = false;
  /** End of the complete messages in `bytes`. */
  let end = 0;
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    for (;;) {
      const typeLength = isOpen ? 1 : 0;
      if (bytes.length < end + typeLength + 4) break;
      const next = end + typeLength + bytes.readInt32BE(end + typeLength);
      if (bytes.length < next) break;
      if (!isOpen) {
        const code = bytes.readInt32BE(4);
        bytes = bytes.subarray(next);
        if (code === CANCEL_REQUEST) return;
        isOpen = code !== SSL_REQUEST && code !== GSS_REQUEST;
        socket.write(isOpen ? WELCOME : 'N');
        continue;
      }
      const type = bytes[end];
      if (type === TERMINATE) return;
      end = next;
      if (type !== QUERY && type !== SYNC && type !== FUNCTION_CALL) continue;
      const request = bytes.subarray(0, end);
      bytes = bytes.subarray(end);
      end = 0;
      yield request;
    }
  }
}

/** Whether an answer ends outside of any transaction: by ReadyForQuery, the last of its messages, with status idle. */
const isIdle = (answer: Uint8Array): boolean => answer.at(-6) === READY_FOR_QUERY && answer.at(-1) === IDLE;

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
