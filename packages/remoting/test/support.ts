import { connect, createServer, type Server, type Socket } from 'node:net';
import {
  type DecodedCommand,
  decodeCommand,
  encodeCommand,
  type RemotingCommand,
  SerializeType,
} from '@rocketnest/protocol';
import { Connection, type ConnectionOptions } from '../src/connection.js';
import { FrameDecoder } from '../src/frame-decoder.js';
import type { Logger } from '../src/logger.js';

/** A request with the given code; everything else is unremarkable. */
export function command(
  code: number,
  fields: Record<string, string> = {},
  body: Buffer | null = null,
): RemotingCommand {
  return {
    code,
    language: 'JAVA',
    version: 477,
    opaque: 0,
    flag: 0,
    remark: null,
    extFields: fields,
    body,
    serializeType: SerializeType.JSON,
  };
}

export function frame(request: RemotingCommand): Buffer {
  return Buffer.concat(encodeCommand(request));
}

/** Pieces of the given sizes, which repeat. */
export function pieces(buffer: Buffer, sizes: readonly number[]): Buffer[] {
  const result: Buffer[] = [];
  for (let at = 0, turn = 0; at < buffer.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    result.push(Buffer.from(buffer.subarray(at, at + size)));
    at += size;
  }
  return result;
}

/** Numbers 1 to `max`, the same for the same seed. */
export function randomSizes(seed: number, count: number, max: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return 1 + ((state >> 8) % max);
  });
}

/** Polls until the condition holds; fails after 10 s naming it. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`gave up waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export interface LogEntry {
  level: string;
  message: string;
}

export function recordingLogger(): Logger & { entries: LogEntry[] } {
  const entries: LogEntry[] = [];
  const log = (level: string) => (message: string) => void entries.push({ level, message });
  return { entries, debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

/** The raw end of a TCP connection: counts and decodes what arrives, sends any bytes. */
export class RawPeer {
  readonly received: DecodedCommand[] = [];
  bytes = 0;
  ended = false;
  readonly #decoder = new FrameDecoder({ maxFrameBytes: 256 * 1024 * 1024 });

  constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.ended = true;
    });
    socket.on('data', (chunk) => {
      this.bytes += chunk.length;
      this.#decoder.push(chunk, (each) => this.received.push(decodeCommand(each)));
    });
  }

  static async connect(port: number): Promise<RawPeer> {
    const socket = connect({ host: '127.0.0.1', port });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawPeer(socket);
  }

  send(...commands: RemotingCommand[]): void {
    this.socket.write(Buffer.concat(commands.map(frame)));
  }

  /** One write per piece, each in a turn of its own. */
  async sendInPieces(buffer: Buffer, sizes: readonly number[]): Promise<void> {
    for (const piece of pieces(buffer, sizes)) {
      await new Promise((resolve) => this.socket.write(piece, resolve));
    }
  }

  async receive(count: number): Promise<DecodedCommand[]> {
    await until(`${count} commands arrived`, () => this.received.length >= count);
    return this.received;
  }
}

/** A listener on a free port; everything open at the end of a test is closed by {@link Cleanup}. */
export async function listen(onSocket: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer(onSocket);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as { port: number }).port };
}

/** Runs what tests ask for after each of them, last first. */
export class Cleanup {
  #tasks: (() => unknown)[] = [];

  add<T>(value: T, task: (value: T) => unknown): T {
    this.#tasks.push(() => task(value));
    return value;
  }

  readonly run = async (): Promise<void> => {
    for (const task of this.#tasks.splice(0).reverse()) await task();
  };
}

export type PairOptions = Partial<Omit<ConnectionOptions, 'id'>>;

/** A Connection and the raw peer at its other end, over a real socket. */
export async function connectionPair(
  cleanup: Cleanup,
  options: PairOptions = {},
): Promise<{ connection: Connection; peer: RawPeer }> {
  let accepted: (socket: Socket) => void = () => {};
  const socket = new Promise<Socket>((resolve) => {
    accepted = resolve;
  });
  const { server, port } = await listen((each) => accepted(each));
  cleanup.add(server, () => new Promise((resolve) => server.close(resolve)));
  const peer = await RawPeer.connect(port);
  cleanup.add(peer, () => peer.socket.destroy());
  const connection = new Connection(await socket, {
    id: 1,
    logger: recordingLogger(),
    onRequest: () => {},
    ...options,
  });
  cleanup.add(connection, () => connection.close());
  return { connection, peer };
}
