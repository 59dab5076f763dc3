import { createServer, type Server, type Socket } from 'node:net';
import {
  type DecodedCommand,
  decodeCommand,
  encodeCommand,
  isResponse,
  type RemotingCommand,
} from '@rocketnest/protocol';
import { FrameDecoder } from '@rocketnest/remoting';
import { waitFor } from './wait-for.js';

/** One connection of a {@link ScriptedPeer}, as its script sees it. */
export interface PeerConnection {
  readonly socket: Socket;
  /** Sends a command as it is: any opaque, any flag. */
  send(command: RemotingCommand): void;
  /** Sends bytes that need not be a frame. */
  sendBytes(bytes: Buffer): void;
}

/** Called for each frame that arrives; what it returns is sent back. */
export type PeerScript = (
  command: DecodedCommand,
  connection: PeerConnection,
) => RemotingCommand | undefined | Promise<RemotingCommand | undefined>;

/**
 * A TCP server that speaks frames and otherwise does only what its script says: it can stay silent, answer late, twice, in the wrong
 * order or with garbage. For tests of what clients do with such peers.
 */
export class ScriptedPeer {
  /** All requests and responses that arrived, in order. */
  readonly received: DecodedCommand[] = [];
  readonly connections = new Set<PeerConnection>();
  readonly #server: Server;
  #script: PeerScript;

  private constructor(script: PeerScript) {
    this.#script = script;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Listens on a free port of 127.0.0.1. The default script never answers. */
  static async start(script: PeerScript = () => undefined): Promise<ScriptedPeer> {
    const peer = new ScriptedPeer(script);
    await new Promise<void>((resolve, reject) => {
      peer.#server.once('error', reject);
      peer.#server.listen(0, '127.0.0.1', resolve);
    });
    return peer;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Changes what happens with the next frames. */
  script(script: PeerScript): void {
    this.#script = script;
  }

  /** Waits for the `count`-th received command, which may have arrived already. */
  async receive(count: number): Promise<DecodedCommand> {
    await waitFor(() => this.received.length >= count, { what: `command ${count} to arrive at the scripted peer` });
    return this.received[count - 1]!;
  }

  /** Cuts all connections; listening goes on. */
  disconnectAll(): void {
    for (const { socket } of this.connections) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.disconnectAll();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(socket: Socket): void {
    const connection: PeerConnection = {
      socket,
      send: (command) => {
        if (!socket.destroyed) socket.write(Buffer.concat(encodeCommand(command)));
      },
      sendBytes: (bytes) => socket.write(bytes),
    };
    this.connections.add(connection);
    const decoder = new FrameDecoder();
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => this.connections.delete(connection));
    socket.on('data', (chunk) => decoder.push(chunk, (frame) => this.#handle(decodeCommand(frame), connection)));
  }

  async #handle(command: DecodedCommand, connection: PeerConnection): Promise<void> {
    this.received.push(command);
    if (isResponse(command)) return;
    const answer = await this.#script(command, connection);
    if (answer) connection.send(answer);
  }
}
