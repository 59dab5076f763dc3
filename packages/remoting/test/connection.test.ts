import { afterEach, describe, expect, it } from '@jest/globals';
import {
  ClosedError,
  CommandFlag,
  ConnectionError,
  createResponse,
  type DecodedCommand,
  encodeCommand,
  ResponseCode,
  TimeoutError,
} from '@rocketnest/protocol';
import { Cleanup, command, connectionPair, frame, randomSizes, recordingLogger, until } from './support.js';

const cleanup = new Cleanup();
afterEach(cleanup.run);

describe('Connection as requester', () => {
  it('resolves requests with their responses, in whatever order they come', async () => {
    const { connection, peer } = await connectionPair(cleanup);
    const answers = [1, 2, 3].map((code) => connection.request(command(code), { timeoutMs: 5000 }));
    const requests = await peer.receive(3);
    for (const request of [...requests].reverse()) peer.send(createResponse(request, 0, `to ${request.code}`));
    expect((await Promise.all(answers)).map(({ remark }) => remark)).toEqual(['to 1', 'to 2', 'to 3']);
    expect(connection.pendingRequests).toBe(0);
  });

  it('drops exactly one frame when a response comes after its timeout', async () => {
    const { connection, peer } = await connectionPair(cleanup);
    await expect(connection.request(command(1), { timeoutMs: 20 })).rejects.toThrow(TimeoutError);
    const healthy = connection.request(command(2), { timeoutMs: 5000 });
    const [late, prompt] = await peer.receive(2);
    // The late response, the prompt one and a request of the peer in one stream, byte by byte.
    const stream = Buffer.concat([
      frame(createResponse(late!, 0, 'too late')),
      frame(createResponse(prompt!, 0, 'in time')),
    ]);
    await peer.sendInPieces(stream, [1]);
    expect((await healthy).remark).toBe('in time');
    expect(connection.closed).toBe(false);
  });

  it('names address and timeout in the error', async () => {
    const { connection } = await connectionPair(cleanup);
    await expect(connection.request(command(1), { timeoutMs: 10 })).rejects.toThrow(
      `no response from ${connection.remoteAddress} within 10 ms`,
    );
  });

  it('fails waiting requests when the peer goes away', async () => {
    const { connection, peer } = await connectionPair(cleanup);
    const answer = connection.request(command(1), { timeoutMs: 5000 });
    await peer.receive(1);
    peer.socket.destroy();
    await expect(answer).rejects.toThrow(ConnectionError);
    await expect(connection.request(command(1), { timeoutMs: 5000 })).rejects.toThrow(ClosedError);
    expect(() => connection.sendOneway(command(1))).toThrow(ClosedError);
  });

  it('fails waiting requests when it is closed, after sending them', async () => {
    const { connection, peer } = await connectionPair(cleanup);
    const answer = connection.request(command(1), { timeoutMs: 5000 });
    connection.close();
    await expect(answer).rejects.toThrow(ClosedError);
    expect((await peer.receive(1))[0]!.code).toBe(1);
    await until('the peer sees the end', () => peer.ended);
  });

  it('never calls back before requestCallback returns', async () => {
    const { connection } = await connectionPair(cleanup);
    connection.close();
    let returned = false;
    const order = new Promise<boolean>((resolve) =>
      connection.requestCallback(command(1), 100, () => resolve(returned)),
    );
    returned = true;
    expect(await order).toBe(true);
  });

  it('sends one-way requests with their flag and without waiting', async () => {
    const { connection, peer } = await connectionPair(cleanup);
    connection.sendOneway(command(9));
    const [request] = await peer.receive(1);
    expect(request!.flag & CommandFlag.ONEWAY).toBe(CommandFlag.ONEWAY);
    expect(connection.pendingRequests).toBe(0);
  });

  it('keeps a response with an unknown code, such as GO_AWAY, an ordinary response', async () => {
    const { connection, peer } = await connectionPair(cleanup);
    const answer = connection.request(command(1), { timeoutMs: 5000 });
    const [request] = await peer.receive(1);
    peer.send(createResponse(request!, 1500, 'please go away'));
    expect(await answer).toMatchObject({ code: 1500, remark: 'please go away' });
    expect(connection.closed).toBe(false);
  });

  it('refuses requests while too many bytes wait for the peer', async () => {
    const { connection, peer } = await connectionPair(cleanup, { maxBufferedBytes: 1024 * 1024 });
    peer.socket.pause();
    const body = Buffer.alloc(512 * 1024);
    const answers: Promise<unknown>[] = [];
    const refusal = await new Promise<Error>((resolve) => {
      const send = () => {
        connection.requestCallback(command(1, {}, body), 60_000, (error) => {
          if (error?.message.includes('not sent')) resolve(error);
        });
        if (answers.push(Promise.resolve()) < 100) setImmediate(send);
      };
      send();
    });
    expect(refusal).toBeInstanceOf(ConnectionError);
    expect(refusal.message).toMatch(/limit is 1048576/);
    expect(connection.closed).toBe(false);
  });

  it('closes when a request times out and the peer has been silent for the limit', async () => {
    const { connection } = await connectionPair(cleanup, { silenceLimitMs: 30 });
    await expect(connection.request(command(1), { timeoutMs: 40 })).rejects.toThrow(TimeoutError);
    expect(connection.closed).toBe(true);
    expect(connection.closeReason?.message).toMatch(/sent nothing for/);
  });

  it('stays open when a request times out but the peer answers others', async () => {
    const { connection, peer } = await connectionPair(cleanup, { silenceLimitMs: 30 });
    const slow = connection.request(command(1), { timeoutMs: 60 });
    const quick = connection.request(command(2), { timeoutMs: 5000 });
    const [, second] = await peer.receive(2);
    peer.send(createResponse(second!, 0));
    await quick;
    await expect(slow).rejects.toThrow(TimeoutError);
    expect(connection.closed).toBe(false);
  });
});

describe('Connection as responder', () => {
  it.each([
    ['at once', (bytes: number) => [bytes]],
    ['byte by byte', () => [1]],
    ...Array.from(
      { length: 10 },
      (_, seed) => [`at random splits, seed ${seed}`, () => randomSizes(seed + 1, 60, 50)] as const,
    ),
  ])('hands requests over in order when they arrive %s', async (_, sizes) => {
    const seen: string[] = [];
    const { peer } = await connectionPair(cleanup, {
      onRequest: ({ code, body, extFields }) => void seen.push(`${code} ${extFields['k']} ${body?.length ?? 0}`),
    });
    const requests = [1, 2, 3, 4, 5].map((code) =>
      command(code, { k: `v${code}` }, code % 2 ? Buffer.alloc(code * 100) : null),
    );
    const stream = Buffer.concat(requests.map(frame));
    await peer.sendInPieces(stream, sizes(stream.length));
    await until('5 requests are handled', () => seen.length === 5);
    expect(seen).toEqual(['1 v1 100', '2 v2 0', '3 v3 300', '4 v4 0', '5 v5 500']);
  });

  it('sends the responses of one loop turn in one write', async () => {
    const { connection, peer } = await connectionPair(cleanup);
    const chunks: number[] = [];
    peer.socket.on('data', (chunk) => chunks.push(chunk.length));
    for (let opaque = 1; opaque <= 20; opaque++) {
      connection.respond(createResponse({ opaque, serializeType: 0 }, 0, null, {}, Buffer.alloc(10)));
    }
    expect(connection.bufferedBytes).toBeGreaterThan(0);
    await peer.receive(20);
    expect(chunks).toHaveLength(1);
    expect(connection.bufferedBytes).toBe(0);
  });

  it('writes large bodies that consist of several buffers without joining them wrongly', async () => {
    const { connection, peer } = await connectionPair(cleanup);
    const parts = [Buffer.alloc(100_000, 1), Buffer.alloc(3, 2), Buffer.alloc(50_000, 3)];
    connection.respond(createResponse({ opaque: 1, serializeType: 0 }, 0, null, {}, parts));
    connection.writeFrame(encodeCommand(createResponse({ opaque: 2, serializeType: 1 }, 0, 'second')));
    const [first, second] = await peer.receive(2);
    expect(first!.body!.equals(Buffer.concat(parts))).toBe(true);
    expect(second!.remark).toBe('second');
  });

  it('sends every byte once, whether the peer keeps up or stops reading now and then', async () => {
    const { connection, peer } = await connectionPair(cleanup);
    const total = 3_000;
    for (let opaque = 1; opaque <= total; opaque++) {
      const body = Buffer.alloc(1 + ((opaque * 7) % 9_000), opaque);
      connection.respond(createResponse({ opaque, serializeType: 0 }, 0, `answer ${opaque}`, {}, body));
      if (opaque % 500 === 0) peer.socket.pause();
      if (opaque % 500 === 250) peer.socket.resume();
      if (opaque % 5 === 0) await new Promise(setImmediate);
    }
    peer.socket.resume();
    const received = await peer.receive(total);
    expect(received.map(({ opaque }) => opaque)).toEqual(Array.from({ length: total }, (_, n) => n + 1));
    for (const { opaque, remark, body } of received) {
      expect(remark).toBe(`answer ${opaque}`);
      expect(body!.equals(Buffer.alloc(1 + ((opaque * 7) % 9_000), opaque))).toBe(true);
    }
  });

  it('counts requests without a response', async () => {
    const seen: DecodedCommand[] = [];
    const { connection, peer } = await connectionPair(cleanup, { onRequest: (request) => void seen.push(request) });
    peer.send(command(1), command(2), { ...command(3), flag: CommandFlag.ONEWAY });
    await until('3 requests arrived', () => seen.length === 3);
    expect(connection.inFlight).toBe(2);
    connection.respond(createResponse(seen[0]!, 0));
    expect(connection.inFlight).toBe(1);
    connection.writeFrame(encodeCommand(createResponse(seen[1]!, 0)));
    expect(connection.inFlight).toBe(0);
  });

  it('closes with a logged reason on a malformed frame, after sending what it owed', async () => {
    const logger = recordingLogger();
    const { connection, peer } = await connectionPair(cleanup, {
      logger,
      onRequest: (request, self) => self.respond(createResponse(request, 0, 'answered')),
    });
    peer.socket.write(Buffer.concat([frame(command(1)), Buffer.from([0, 0, 0, 8, 0, 0, 0, 4]), Buffer.from('{"x"')]));
    await until('the connection is closed', () => connection.closed && peer.ended);
    expect(peer.received.map(({ remark }) => remark)).toEqual(['answered']);
    expect(logger.entries).toEqual([{ level: 'warn', message: expect.stringMatching(/connection closed: .*header/i) }]);
  });

  it('handles nothing after the frame that closed it', async () => {
    const seen: number[] = [];
    const { connection, peer } = await connectionPair(cleanup, {
      onRequest: ({ code }, self) => {
        seen.push(code);
        if (code === 2) self.close();
      },
    });
    peer.send(command(1), command(2), command(3));
    await until('the connection is closed', () => connection.closed);
    expect(seen).toEqual([1, 2]);
  });

  it('stops reading from a peer that does not read, and goes on when it does', async () => {
    const body = Buffer.alloc(64 * 1024);
    let handled = 0;
    const { connection, peer } = await connectionPair(cleanup, {
      pauseAtBytes: 256 * 1024,
      onRequest: (request, self) => {
        handled++;
        self.respond(createResponse(request, 0, null, {}, body));
      },
    });
    peer.socket.pause();
    const total = 1_000;
    const oneByOne = (async () => {
      for (let sent = 0; sent < total; sent++) {
        const written = peer.socket.write(frame({ ...command(1), opaque: sent }));
        if (!written) await new Promise((resolve) => peer.socket.once('drain', resolve));
      }
    })();
    await until('the connection holds back', () => !connection.writable);
    // A chunk has room for hundreds of requests, whose responses would be far over the limit: it stops in the midst of it.
    const most = 256 * 1024 + 65 * 1024;
    expect(connection.bufferedBytes).toBeLessThan(most);
    expect(handled).toBeLessThan(200);
    peer.socket.resume();
    await oneByOne;
    await peer.receive(total);
    expect(peer.received.map(({ opaque }) => opaque)).toEqual(Array.from({ length: total }, (_, opaque) => opaque));
  });

  it('closes with a logged reason when too much waits for the peer', async () => {
    const logger = recordingLogger();
    const { connection, peer } = await connectionPair(cleanup, { logger, maxBufferedBytes: 1024 * 1024 });
    peer.socket.pause();
    const send = () => {
      connection.respond(createResponse({ opaque: 1, serializeType: 0 }, 0, null, {}, Buffer.alloc(256 * 1024)));
      if (!connection.closed) setImmediate(send);
    };
    send();
    await until('the connection is closed', () => connection.closed);
    expect(logger.entries[0]!.message).toMatch(/does not read: \d+ bytes wait for it, the limit is 1048576/);
  });
});

describe('Connection', () => {
  it('closes when no byte moves for the idle timeout', async () => {
    const { connection, peer } = await connectionPair(cleanup, { idleTimeoutMs: 50 });
    await until('both ends are closed', () => connection.closed && peer.ended);
    expect(connection.closeReason?.message).toMatch(/no byte from or to .* for 50 ms/);
  });

  it('does not count as idle while bytes move', async () => {
    const { connection, peer } = await connectionPair(cleanup, {
      idleTimeoutMs: 1500,
      onRequest: (request, self) => self.respond(createResponse(request, 0)),
    });
    // Longer in all than the timeout, each pause far shorter.
    for (let turn = 1; turn <= 20; turn++) {
      peer.send(command(1));
      await peer.receive(turn);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(connection.closed).toBe(false);
  });

  it('tells each close listener once, also one that comes late', async () => {
    const { connection } = await connectionPair(cleanup);
    const seen: string[] = [];
    connection.onClose(() => seen.push('first'));
    connection.close();
    connection.close();
    connection.onClose(() => seen.push('late'));
    expect(seen).toEqual(['first', 'late']);
  });

  it('knows both addresses', async () => {
    const { connection, peer } = await connectionPair(cleanup);
    expect(connection.remoteHost).toEqual({ address: '127.0.0.1', port: peer.socket.localPort });
    expect(connection.remoteAddress).toBe(`127.0.0.1:${peer.socket.localPort}`);
    expect(connection.localAddress).toBe(`127.0.0.1:${peer.socket.remotePort}`);
  });

  it('serves requests of both ends at the same time', async () => {
    const { connection, peer } = await connectionPair(cleanup, {
      onRequest: (request, self) => self.respond(createResponse(request, ResponseCode.SUCCESS, 'from ours')),
    });
    const ours = connection.request(command(1), { timeoutMs: 5000 });
    const [request] = await peer.receive(1);
    // The same opaque in both directions: the flag tells them apart.
    peer.send({ ...command(2), opaque: request!.opaque }, createResponse(request!, 0, 'from theirs'));
    expect((await ours).remark).toBe('from theirs');
    expect((await peer.receive(2))[1]).toMatchObject({ opaque: request!.opaque, remark: 'from ours' });
  });
});
