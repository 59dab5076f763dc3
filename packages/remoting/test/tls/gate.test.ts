import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConfigurationError, ConnectionError, createResponse } from '@rocketnest/protocol';
import { RemotingClient } from '../../src/client.js';
import { RemotingServer, type RemotingServerOptions } from '../../src/server.js';
import type { TlsClientOptions } from '../../src/tls/options.js';
import { type KeyAndCertificate, selfSignedCertificate } from '../../src/tls/self-signed.js';
import { Cleanup, command, RawPeer, recordingLogger, until } from '../support.js';

const cleanup = new Cleanup();
afterEach(cleanup.run);

async function startServer(options: Partial<RemotingServerOptions> = {}) {
  const logger = recordingLogger();
  const server = new RemotingServer({
    host: '127.0.0.1',
    port: 0,
    processors: new Map([[1, (request) => createResponse(request, 0, 'answered', {}, request.body)]]),
    logger,
    ...options,
  });
  cleanup.add(server, () => server.close({ drainMs: 0 }));
  await server.start();
  return { server, logger, address: `127.0.0.1:${server.port}` };
}

function client(tls: boolean | TlsClientOptions): RemotingClient {
  return cleanup.add(new RemotingClient({ tls, connectTimeoutMs: 30_000 }), (each) => each.close());
}

async function directoryWith(files: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'rocketnest-tls-'));
  cleanup.add(directory, () => rm(directory, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  return directory;
}

/** Certificates of this file's tests: making one takes a while. */
const certificates: Promise<KeyAndCertificate[]> = Promise.all([selfSignedCertificate(), selfSignedCertificate()]);

/** What the server shows in a handshake. */
async function certificateOf(port: number): Promise<string> {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return raw.toString('base64');
}

const derOf = (pem: string): string => pem.replaceAll(/-----[^-]+-----|\s/g, '');

describe('A server with TLS', () => {
  it('serves plain and TLS clients on one port by default, with a certificate of its own', async () => {
    const { address, server } = await startServer();
    const body = randomBytes(300_000);
    for (const each of [client(true), client(false), client(true)]) {
      const response = await each.request(address, command(1, {}, body));
      expect(response.remark).toBe('answered');
      expect(response.body!.equals(body)).toBe(true);
    }
    expect([...server.connections].every(({ remoteAddress }) => /^127\.0\.0\.1:\d+$/.test(remoteAddress))).toBe(true);
    expect(await certificateOf(server.port)).toBe(await certificateOf(server.port));
  });

  it('refuses TLS when disabled and plain clients when enforcing, and says so', async () => {
    const disabled = await startServer({ tls: { mode: 'disabled' } });
    await expect(client(true).request(disabled.address, command(1))).rejects.toThrow(ConnectionError);
    expect((await client(false).request(disabled.address, command(1))).code).toBe(0);
    expect(disabled.logger.entries.map(({ message }) => message)).toEqual([
      'client refused: it speaks TLS, and tls.server.mode is disabled',
    ]);

    const enforcing = await startServer({ tls: { mode: 'enforcing' } });
    await expect(client(false).request(enforcing.address, command(1))).rejects.toThrow(ConnectionError);
    expect((await client(true).request(enforcing.address, command(1))).code).toBe(0);
    expect(enforcing.logger.entries.map(({ message }) => message)).toEqual([
      'client refused: it does not speak TLS, and tls.server.mode is enforcing',
    ]);
  });

  it('shows the certificate of its files, which clients verify, and takes changed files without a restart', async () => {
    const [first, second] = (await certificates) as [KeyAndCertificate, KeyAndCertificate];
    const directory = await directoryWith({ 'server.pem': first.cert, 'server.key': first.key });
    const [certPath, keyPath] = [join(directory, 'server.pem'), join(directory, 'server.key')];
    const { address, server } = await startServer({ tls: { certPath, keyPath } });
    expect(await certificateOf(server.port)).toBe(derOf(first.cert));
    expect((await client({ ca: first.cert }).request(address, command(1))).code).toBe(0);
    await expect(client({ ca: second.cert }).request(address, command(1))).rejects.toThrow(/cannot connect to .*cert/);

    // Half of the change: the new certificate does not belong to the old key.
    await writeFile(certPath, second.cert);
    expect(await certificateOf(server.port)).toBe(derOf(first.cert));
    await writeFile(keyPath, second.key);
    expect(await certificateOf(server.port)).toBe(derOf(second.cert));
  });

  it('demands client certificates when told to, and verifies them when told to', async () => {
    const [trusted, stranger] = (await certificates) as [KeyAndCertificate, KeyAndCertificate];
    const directory = await directoryWith({ 'trust.pem': trusted.cert, 'server.key': trusted.key });
    const files = { certPath: join(directory, 'trust.pem'), keyPath: join(directory, 'server.key') };
    const welcome = async (options: RemotingServerOptions['tls'], identity: Partial<KeyAndCertificate>) => {
      const { address } = await startServer({ tls: { ...files, ...options } });
      return client({ rejectUnauthorized: false, ...identity })
        .request(address, command(1))
        .then(
          () => true,
          () => false,
        );
    };
    const trustCertPath = files.certPath;
    expect(await welcome({ clientAuth: 'none', verifyClient: true, trustCertPath }, {})).toBe(true);
    expect(await welcome({ clientAuth: 'require' }, {})).toBe(false);
    expect(await welcome({ clientAuth: 'require' }, stranger)).toBe(true);
    expect(await welcome({ clientAuth: 'require', verifyClient: true, trustCertPath }, stranger)).toBe(false);
    expect(await welcome({ clientAuth: 'require', verifyClient: true, trustCertPath }, trusted)).toBe(true);
    expect(await welcome({ clientAuth: 'optional', verifyClient: true, trustCertPath }, {})).toBe(true);
    expect(await welcome({ clientAuth: 'optional', verifyClient: true, trustCertPath }, stranger)).toBe(false);
  });

  it('does not start with files that cannot be used', async () => {
    const [one, other] = (await certificates) as [KeyAndCertificate, KeyAndCertificate];
    const directory = await directoryWith({ 'server.pem': one.cert, 'other.key': other.key });
    const certPath = join(directory, 'server.pem');
    const start = (keyPath: string) => startServer({ tls: { certPath, keyPath } });
    await expect(start(join(directory, 'missing.key'))).rejects.toThrow(/TLS cannot read .*missing\.key: ENOENT/);
    await expect(start(join(directory, 'other.key'))).rejects.toThrow(ConfigurationError);
    await expect(startServer({ tls: { certPath } })).rejects.toThrow(
      'tls.server.certPath is set but tls.server.keyPath is not',
    );
  });

  it('drops clients that do not finish their handshake, and goes on serving the others', async () => {
    const { address, server, logger } = await startServer({
      tls: { handshakeTimeoutMs: 100 },
      idleTimeoutMs: 60_000,
    });
    const hellos = [
      Buffer.from([0x16]),
      Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 252]),
      Buffer.concat([Buffer.from([0x16]), randomBytes(1_000)]),
      Buffer.concat([Buffer.from([0x16, 3, 1, 0, 5]), randomBytes(100)]),
    ];
    const dropped = hellos.map((hello) => {
      const socket = createConnection(server.port, '127.0.0.1', () => socket.write(hello));
      return new Promise((resolve) =>
        socket
          .on('error', () => {})
          .resume()
          .once('close', resolve),
      );
    });
    const hasty = createConnection(server.port, '127.0.0.1', () => {
      hasty.write(hellos[1]!, () => hasty.destroy());
    });
    await Promise.all(dropped);
    expect((await client(true).request(address, command(1))).code).toBe(0);
    expect((await client(false).request(address, command(1))).code).toBe(0);
    expect(logger.entries.filter(({ level }) => level === 'error')).toEqual([]);
    expect(server.connections.size).toBe(2);
  });

  it('drops a client that sends garbage after its handshake', async () => {
    const { server, address } = await startServer();
    const socket: TLSSocket = connectTls({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false });
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    socket.write(Buffer.alloc(64, 0xff));
    await closed;
    expect((await client(true).request(address, command(1))).code).toBe(0);
  });

  it('drops a client that says nothing at all', async () => {
    const { server } = await startServer({ idleTimeoutMs: 50 });
    const peer = await RawPeer.connect(server.port);
    await until('the silent client is dropped', () => peer.ended);
  });

  it('closes with clients in every stage', async () => {
    const { server, address } = await startServer();
    await client(true).request(address, command(1));
    const sockets = [createConnection(server.port, '127.0.0.1'), createConnection(server.port, '127.0.0.1')];
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    sockets[1]!.write(Buffer.from([0x16, 3, 1]));
    const ends = sockets.map(
      (socket) =>
        new Promise((resolve) =>
          socket
            .on('error', () => {})
            .resume()
            .once('close', resolve),
        ),
    );
    await server.close({ drainMs: 100 });
    await Promise.all(ends);
  });
});
