import { connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { CommandFlag, ConnectionError, createResponse, ResponseCode, ResponseError } from '@rocketnest/protocol';
import type { Connection } from '../src/connection.js';
import type { Processor } from '../src/dispatcher.js';
import { RemotingServer, type RemotingServerOptions } from '../src/server.js';
import { Cleanup, command, frame, RawPeer, recordingLogger, until } from './support.js';

const cleanup = new Cleanup();
afterEach(cleanup.run);

async function startServer(
  processors: Record<number, Processor>,
  options: Partial<RemotingServerOptions> = {},
): Promise<RemotingServer> {
  const table = new Map(Object.entries(processors).map(([code, processor]) => [Number(code), processor]));
  const server = new RemotingServer({ host: '127.0.0.1', port: 0, processors: table, ...options });
  cleanup.add(server, () => server.close({ drainMs: 0 }));
  await server.start();
  return server;
}

async function connected(server: RemotingServer): Promise<RawPeer> {
  const peer = await RawPeer.connect(server.port);
  return cleanup.add(peer, () => peer.socket.destroy());
}

describe('RemotingServer', () => {
  it('answers with what processors return, promise or not, or answer later', async () => {
    const server = await startServer({
      1: (request) => createResponse(request, 0, 'at once'),
      2: async (request) => createResponse(request, 0, 'promised'),
      3: (request, connection) => {
        setImmediate(() => connection.respond(createResponse(request, 0, 'later')));
      },
    });
    const peer = await connected(server);
    peer.send({ ...command(3), opaque: 3 }, { ...command(2), opaque: 2 }, { ...command(1), opaque: 1 });
    const answers = await peer.receive(3);
    const remarks = answers.map(({ opaque, remark }) => `${opaque} ${remark}`).sort();
    expect(remarks).toEqual(['1 at once', '2 promised', '3 later']);
  });

  it('answers unknown codes with REQUEST_CODE_NOT_SUPPORTED in the words of Apache', async () => {
    const peer = await connected(await startServer({}));
    peer.send({ ...command(4711), opaque: 9 });
    expect((await peer.receive(1))[0]).toMatchObject({
      code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
      opaque: 9,
      remark: ' request type 4711 not supported',
    });
  });

  it('hands unknown codes to the default processor, if there is one', async () => {
    const server = await startServer({}, { defaultProcessor: (request) => createResponse(request, 0, 'default') });
    const peer = await connected(server);
    peer.send(command(4711));
    expect((await peer.receive(1))[0]!.remark).toBe('default');
  });

  it.each([
    [
      'thrown',
      (error: Error): Processor =>
        () => {
          throw error;
        },
    ],
    [
      'rejected',
      (error: Error): Processor =>
        async () => {
          throw error;
        },
    ],
  ])('turns a %s error into a response', async (_, failing) => {
    const logger = recordingLogger();
    const refusal = new ResponseError('no', { responseCode: 17, remark: 'no such topic' });
    const server = await startServer({ 1: failing(refusal), 2: failing(new TypeError('boom')) }, { logger });
    const peer = await connected(server);
    peer.send(command(1));
    expect((await peer.receive(1))[0]).toMatchObject({ code: 17, remark: 'no such topic' });
    expect(logger.entries).toEqual([]);
    peer.send(command(2));
    expect((await peer.receive(2))[1]).toMatchObject({ code: ResponseCode.SYSTEM_ERROR, remark: 'TypeError: boom' });
    expect(logger.entries).toEqual([{ level: 'error', message: expect.stringContaining('boom') }]);
  });

  it('answers one-way requests with nothing, not even an error', async () => {
    const server = await startServer({
      1: (request) => createResponse(request, 0, 'unasked'),
      2: () => {
        throw new Error('boom');
      },
      3: (request) => createResponse(request, 0, 'asked'),
    });
    const peer = await connected(server);
    const oneway = (code: number) => ({ ...command(code), flag: CommandFlag.ONEWAY });
    peer.send(oneway(1), oneway(2), oneway(99), command(3));
    expect((await peer.receive(1)).map(({ remark }) => remark)).toEqual(['asked']);
  });

  it('answers SYSTEM_BUSY beyond the limit of requests in flight, and goes on below it', async () => {
    const waiting: (() => void)[] = [];
    const server = await startServer(
      {
        1: (request, connection) => {
          waiting.push(() => connection.respond(createResponse(request, 0, 'done')));
        },
      },
      { maxInFlightPerConnection: 2 },
    );
    const peer = await connected(server);
    for (let opaque = 1; opaque <= 3; opaque++) peer.send({ ...command(1), opaque });
    expect((await peer.receive(1))[0]).toMatchObject({ opaque: 3, code: ResponseCode.SYSTEM_BUSY });
    for (const answer of waiting.splice(0)) answer();
    await peer.receive(3);
    peer.send({ ...command(1), opaque: 4 });
    await until('request 4 is handled', () => waiting.length === 1);
  });

  it('closes a connection with a frame over the limit and harms no other', async () => {
    const logger = recordingLogger();
    const server = await startServer({ 1: (request) => createResponse(request, 0) }, { maxFrameBytes: 1000, logger });
    const good = await connected(server);
    const bad = await connected(server);
    bad.send(command(1, {}, Buffer.alloc(2000)));
    await until('the bad connection is closed', () => bad.ended);
    good.send(command(1));
    await good.receive(1);
    expect(logger.entries.map(({ message }) => message)).toEqual([
      expect.stringMatching(/frame length \d+ is not in 0\.\.996/),
    ]);
  });

  it('asks the peer over the connection the peer opened', async () => {
    let asked: Connection | undefined;
    const server = await startServer(
      {},
      {
        onConnect: (connection) => {
          asked = connection;
        },
      },
    );
    const peer = await connected(server);
    peer.send(command(1)); // a client speaks first
    await peer.receive(1);
    const answer = asked!.request(command(39), { timeoutMs: 5000 });
    const [, request] = await peer.receive(2);
    peer.send(createResponse(request!, 0, 'from the client'));
    expect((await answer).remark).toBe('from the client');
  });

  it('knows its connections and tells when they come and go', async () => {
    const events: string[] = [];
    const server = await startServer(
      {},
      {
        onConnect: ({ remoteAddress }) => events.push(`+${remoteAddress}`),
        onDisconnect: ({ remoteAddress }) => events.push(`-${remoteAddress}`),
      },
    );
    const peer = await connected(server);
    peer.send(command(1));
    await until('the connection is accepted', () => server.connections.size === 1);
    const address = `127.0.0.1:${peer.socket.localPort}`;
    peer.socket.destroy();
    await until('the connection is gone', () => server.connections.size === 0);
    expect(events).toEqual([`+${address}`, `-${address}`]);
  });

  it('refuses connections over the limit', async () => {
    const server = await startServer({}, { maxConnections: 1 });
    const first = await connected(server);
    first.send(command(1));
    await until('the first is accepted', () => server.connections.size === 1);
    const second = await connected(server);
    await until('the second is closed', () => second.ended);
    expect(first.ended).toBe(false);
  });

  it('says which port is taken and what to do', async () => {
    const first = await startServer({});
    const second = new RemotingServer({ host: '127.0.0.1', port: first.port, processors: new Map() });
    const start = second.start();
    await expect(start).rejects.toThrow(ConnectionError);
    await expect(start).rejects.toThrow(new RegExp(`127.0.0.1:${first.port}.*in use.*choose another port`));
    await second.close();
  });

  it('lets requests under way finish when it closes', async () => {
    let finish: () => void = () => {};
    const server = await startServer({
      1: (request) =>
        new Promise((resolve) => {
          finish = () => resolve(createResponse(request, 0, 'finished'));
        }),
    });
    const peer = await connected(server);
    peer.send(command(1));
    await until('the request is under way', () => [...server.connections][0]?.inFlight === 1);
    const closed = server.close({ drainMs: 5000 });
    await expect(RawPeer.connect(peer.socket.remotePort!)).rejects.toThrow(/ECONNREFUSED/);
    finish();
    await closed;
    await until('the peer sees the end', () => peer.ended);
    expect(peer.received.map(({ remark }) => remark)).toEqual(['finished']);
  });

  it('closes within the drain time when a request never finishes, and may close twice', async () => {
    const server = await startServer({ 1: () => new Promise(() => {}) });
    const peer = await connected(server);
    peer.send(command(1));
    await until('the request is under way', () => [...server.connections][0]?.inFlight === 1);
    const startedAt = performance.now();
    await server.close({ drainMs: 50 });
    await server.close();
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    await until('the peer sees the end', () => peer.ended);
  });

  it('closes although a peer neither reads nor leaves', async () => {
    const server = await startServer({ 1: (request) => createResponse(request, 0, null, {}, Buffer.alloc(8_000_000)) });
    const socket = connect({ host: '127.0.0.1', port: server.port });
    cleanup.add(socket, () => socket.destroy());
    socket.on('error', () => {}).pause();
    socket.write(Buffer.concat([frame(command(1)), frame(command(1))]));
    await until('responses wait', () => ([...server.connections][0]?.bufferedBytes ?? 0) > 0);
    await server.close({ drainMs: 20 });
    expect(server.connections.size).toBe(0);
  });

  it('listens on IPv6, too', async () => {
    const server = await startServer(
      { 1: (request, { remoteAddress }) => createResponse(request, 0, remoteAddress) },
      { host: '::1' },
    );
    const socket = connect({ host: '::1', port: server.port });
    const peer = cleanup.add(new RawPeer(socket), () => socket.destroy());
    peer.send(command(1));
    expect((await peer.receive(1))[0]!.remark).toBe(`[::1]:${socket.localPort}`);
  });
});
