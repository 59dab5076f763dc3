import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConnectionError, WrongPeerError } from '@rocketnest/protocol';
import { RemotingClient, type RemotingClientOptions } from '../src/client.js';
import { RemotingServer } from '../src/server.js';
import { selfSignedCertificate } from '../src/tls/self-signed.js';
import { Cleanup, command } from './support.js';

const cleanup = new Cleanup();
afterEach(cleanup.run);

/** The server's address; all that connects to it is cut at the end of the test. */
async function addressOf(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  cleanup.add(server, () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** How a request to the address fails. */
async function failureAt(address: string, options: RemotingClientOptions = {}): Promise<Error> {
  const client = cleanup.add(new RemotingClient(options), (each) => each.close());
  return client.request(address, command(105), { timeoutMs: 20_000 }).then(
    () => {
      throw new Error('it was answered');
    },
    (error) => error,
  );
}

describe('what answers in place of a RocketMQ server is named, with what to do', () => {
  it('HTTP/2, as a proxy speaks it for gRPC', async () => {
    const error = await failureAt(await addressOf(createHttp2Server()));
    expect(error).toBeInstanceOf(WrongPeerError);
    expect(error.message).toMatch(/speaks HTTP\/2, as the gRPC port \(8081\).* name server .*9876/);
  });

  it('HTTP', async () => {
    const error = await failureAt(await addressOf(createHttpServer()));
    expect(error).toBeInstanceOf(WrongPeerError);
    expect(error.message).toMatch(/speaks HTTP, as a dashboard.*9876/);
  });

  it.each([
    ['TLS', Buffer.of(0x15, 3, 1, 0, 2, 2, 70), /speaks TLS. Set the option tls/],
    ['SSH', Buffer.from('SSH-2.0-OpenSSH_9.6\r\n'), /speaks SSH. Check the port/],
  ])('%s', async (_, bytes, message) => {
    const error = await failureAt(await addressOf(createServer((socket) => socket.on('error', () => {}).write(bytes))));
    expect(error).toBeInstanceOf(WrongPeerError);
    expect(error.message).toMatch(message);
  });

  it('a RocketMQ server without TLS, to a client with it', async () => {
    const server = new RemotingServer({ host: '127.0.0.1', port: 0, processors: new Map(), tls: { mode: 'disabled' } });
    cleanup.add(server, () => server.close());
    await server.start();
    const error = await failureAt(`127.0.0.1:${server.port}`, { tls: true });
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toMatch(/in place of a TLS handshake: .*not take TLS \(leave out the option tls\)/);
  });

  it('HTTP, to a client with TLS', async () => {
    const error = await failureAt(await addressOf(createHttpServer()), { tls: true });
    expect(error).toBeInstanceOf(WrongPeerError);
    expect(error.message).toMatch(/does not speak TLS. Leave out the option tls/);
  });

  it('a certificate that is not trusted', async () => {
    const error = await failureAt(await addressOf(createTlsServer({ ...(await selfSignedCertificate()) })), {
      tls: {},
    });
    expect(error).toBeInstanceOf(WrongPeerError);
    expect(error.message).toMatch(/certificate is not trusted: give its authority as tls: \{ ca \}/);
  });

  it('a RocketMQ server that takes TLS only, to a client without', async () => {
    const server = new RemotingServer({
      host: '127.0.0.1',
      port: 0,
      processors: new Map(),
      tls: { mode: 'enforcing' },
    });
    cleanup.add(server, () => server.close());
    await server.start();
    const error = await failureAt(`127.0.0.1:${server.port}`);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toMatch(/closed the connection without an answer: .*set the option tls/);
  });
});
