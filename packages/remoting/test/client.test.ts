import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  ClosedError,
  ConfigurationError,
  ConnectionError,
  createResponse,
  ResponseCode,
  TimeoutError,
} from '@rocketnest/protocol';
import { RemotingClient, type RemotingClientOptions } from '../src/client.js';
import { Cleanup, command, RawPeer, until } from './support.js';

const cleanup = new Cleanup();
afterEach(cleanup.run);

/** A server whose connections the test answers by hand. */
async function startPeer(
  port = 0,
): Promise<{ address: string; port: number; peers: RawPeer[]; close: () => Promise<void> }> {
  const peers: RawPeer[] = [];
  const server = createServer((socket) => peers.push(new RawPeer(socket)));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = async () => {
    for (const { socket } of peers) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  cleanup.add(server, close);
  const bound = (server.address() as { port: number }).port;
  return { address: `127.0.0.1:${bound}`, port: bound, peers, close };
}

function newClient(options: RemotingClientOptions = {}): RemotingClient {
  const client = new RemotingClient(options);
  return cleanup.add(client, () => client.close());
}

/**
 * An address whose port is open but answers no connection attempt: its listener's thread is blocked and its backlog is full, so
 * that the system drops further attempts.
 */
async function startUnresponsive(): Promise<string> {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const server = require('node:net').createServer().listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
    { eval: true },
  );
  cleanup.add(worker, () => worker.terminate());
  const [port] = (await once(worker, 'message')) as [number];
  for (;;) {
    const socket = connect({ host: '127.0.0.1', port });
    cleanup.add(socket, () => socket.destroy());
    socket.on('error', () => {});
    const connected = await Promise.race([
      once(socket, 'connect').then(() => true),
      new Promise((resolve) => setTimeout(resolve, 200, false)),
    ]);
    if (!connected) return `127.0.0.1:${port}`;
  }
}

/** Answers every request, now and later, with the remark. */
function answering(peer: RawPeer, remark: string): void {
  const push = peer.received.push.bind(peer.received);
  peer.received.push = (...commands) => {
    for (const each of commands) peer.send(createResponse(each, 0, remark));
    return push(...commands);
  };
}

describe('RemotingClient', () => {
  it('shares one connection between requests to an address, also those sent while it connects', async () => {
    const { address, peers } = await startPeer();
    const client = newClient();
    const answers = [1, 2, 3].map((code) => client.request(address, command(code)));
    await until('the requests arrived', () => peers[0]?.received.length === 3);
    for (const request of peers[0]!.received) peers[0]!.send(createResponse(request, 0, `to ${request.code}`));
    expect((await Promise.all(answers)).map(({ remark }) => remark)).toEqual(['to 1', 'to 2', 'to 3']);
    expect(peers).toHaveLength(1);
    expect(await client.connection(address)).toBe(await client.connection(address));
  });

  it('says that nobody listens, and connects when somebody does', async () => {
    const { address, port, close } = await startPeer();
    await close();
    const client = newClient();
    await expect(client.request(address, command(1))).rejects.toThrow(ConnectionError);
    await expect(client.request(address, command(1))).rejects.toThrow(`cannot connect to ${address}`);
    const { peers } = await startPeer(port);
    const answer = client.request(address, command(1));
    await until('the request arrived', () => peers[0]?.received.length === 1);
    peers[0]!.send(createResponse(peers[0]!.received[0]!, 0, 'back'));
    expect((await answer).remark).toBe('back');
  });

  it('replaces a broken connection with the next request', async () => {
    const { address, peers } = await startPeer();
    const gone: string[] = [];
    const client = newClient({ onDisconnect: (each) => gone.push(each) });
    const first = await client.connection(address);
    await until('connected', () => peers.length === 1);
    peers[0]!.socket.destroy();
    await until('the break is noticed', () => first.closed);
    expect(gone).toEqual([address]);
    expect(await client.connection(address)).not.toBe(first);
  });

  it('times a request out, connection time included', async () => {
    const { address } = await startPeer();
    const client = newClient();
    await expect(client.request(address, command(1), { timeoutMs: 30 })).rejects.toThrow(TimeoutError);
  });

  it('times a request out while it still connects', async () => {
    const address = await startUnresponsive();
    const startedAt = performance.now();
    await expect(newClient().request(address, command(1), { timeoutMs: 50 })).rejects.toThrow(
      `not connected to ${address} within 50 ms`,
    );
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it('gives up connecting after its timeout, and forgets the attempt', async () => {
    const address = await startUnresponsive();
    const client = newClient({ connectTimeoutMs: 50 });
    await expect(client.connection(address)).rejects.toThrow(ConnectionError);
    await expect(client.connection(address)).rejects.toThrow(`cannot connect to ${address} within 50 ms`);
  });

  it('keeps the connection when a request times out: the next one is answered on it', async () => {
    const { address, peers } = await startPeer();
    const client = newClient();
    await expect(client.request(address, command(1), { timeoutMs: 30 })).rejects.toThrow(TimeoutError);
    answering(peers[0]!, 'prompt');
    peers[0]!.send(createResponse(peers[0]!.received[0]!, 0, 'late'));
    expect((await client.request(address, command(2))).remark).toBe('prompt');
    expect(peers).toHaveLength(1);
  });

  it('is not broken by GO_AWAY', async () => {
    const { address, peers } = await startPeer();
    const client = newClient();
    const answer = client.request(address, command(1));
    await until('the request arrived', () => peers[0]?.received.length === 1);
    peers[0]!.send(createResponse(peers[0]!.received[0]!, 1500, 'please go away'));
    expect((await answer).code).toBe(1500);
    answering(peers[0]!, 'still here');
    expect((await client.request(address, command(2))).remark).toBe('still here');
  });

  it('answers requests of the server', async () => {
    const { address, peers } = await startPeer();
    const client = newClient({
      processors: new Map([[40, (request) => createResponse(request, ResponseCode.SUCCESS, 'from the client')]]),
    });
    await client.connection(address);
    await until('connected', () => peers.length === 1);
    peers[0]!.send({ ...command(40), opaque: 5 }, { ...command(41), opaque: 6 });
    expect(await peers[0]!.receive(2)).toMatchObject([
      { opaque: 5, remark: 'from the client' },
      { opaque: 6, code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED },
    ]);
  });

  it('sends one-way requests', async () => {
    const { address, peers } = await startPeer();
    const client = newClient();
    await client.sendOneway(address, command(7));
    await until('it arrived', () => peers[0]?.received.length === 1);
  });

  it('translates addresses', async () => {
    const { address, peers } = await startPeer();
    const client = newClient({ addressMap: (each) => (each === 'broker.internal:10911' ? address : each) });
    await client.connection('broker.internal:10911');
    await until('connected', () => peers.length === 1);
  });

  it('refuses what is not an address', async () => {
    await expect(newClient().request('nonsense', command(1))).rejects.toThrow(ConfigurationError);
  });

  it('fails what is under way when it closes, and refuses further requests', async () => {
    const { address, peers } = await startPeer();
    const client = newClient();
    const waiting = client.request(address, command(1));
    await until('the request arrived', () => peers[0]?.received.length === 1);
    const connecting = client.request(await startUnresponsive(), command(1));
    const outcomes = Promise.allSettled([waiting, connecting]);
    await client.close();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: expect.stringMatching(/CLOSED|CONNECTION/) },
      });
    }
    await expect(client.request(address, command(1))).rejects.toThrow(ClosedError);
    await until('the server sees the end', () => peers[0]!.ended);
  });

  it('closes the connection to one address', async () => {
    const { address, peers } = await startPeer();
    const client = newClient();
    const connection = await client.connection(address);
    client.closeConnection(address);
    expect(connection.closed).toBe(true);
    await until('the server sees the end', () => peers[0]!.ended);
  });
});
