import { describe, expect, it } from '@jest/globals';
import {
  ConfigurationError,
  ConnectionError,
  createRequest,
  createResponse,
  Requests,
  ResponseCode,
  WrongPeerError,
} from '@rocketnest/protocol';
import { RemotingClient } from '@rocketnest/remoting';
import { ScriptedPeer, waitFor } from '@rocketnest/testing';
import { foreignPortHint, NameServers } from '../src/name-servers.js';

const ask = () => createRequest(Requests.getRouteinfoByTopic, { topic: 'T' });
const answering = () => ScriptedPeer.start((request) => createResponse(request, ResponseCode.TOPIC_NOT_EXIST));

const nameServers = (namesrvAddr: string, remoting: RemotingClient, requestTimeoutMs: number) =>
  new NameServers({ namesrvAddr, remoting, requestTimeoutMs });

async function withClient<T>(run: (remoting: RemotingClient) => Promise<T>): Promise<T> {
  const remoting = new RemotingClient({ connectTimeoutMs: 500 });
  try {
    return await run(remoting);
  } finally {
    await remoting.close();
  }
}

describe('NameServers', () => {
  it('works while one of several name servers is down, and stays with the one that answers', async () => {
    await using alive = await answering();
    const dead = await answering();
    const deadAddress = dead.address;
    await dead.close();
    await withClient(async (remoting) => {
      const servers = nameServers(`${deadAddress};${alive.address}`, remoting, 500);
      for (let i = 0; i < 5; i++) expect((await servers.request(ask)).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
      expect(alive.received).toHaveLength(5);
    });
  });

  it('passes over a name server that accepts but never answers', async () => {
    await using silent = await ScriptedPeer.start();
    await using alive = await answering();
    await withClient(async (remoting) => {
      const servers = nameServers(`${silent.address};${alive.address}`, remoting, 100);
      for (let i = 0; i < 3; i++) expect((await servers.request(ask)).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
      expect(silent.received.length).toBeLessThanOrEqual(1);
    });
  });

  it('works again with a name server that was down before', async () => {
    const first = await answering();
    const { address, port } = first;
    await first.close();
    await withClient(async (remoting) => {
      const servers = nameServers(address, remoting, 500);
      await expect(servers.request(ask)).rejects.toThrow(ConnectionError);
      const { RemotingServer } = await import('@rocketnest/remoting');
      const again = new RemotingServer({
        host: '127.0.0.1',
        port,
        processors: new Map([[105, (request) => createResponse(request, ResponseCode.TOPIC_NOT_EXIST)]]),
      });
      await again.start();
      try {
        expect((await servers.request(ask)).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
      } finally {
        await again.close();
      }
    });
  });

  it('names every address and why it failed when none answers', async () => {
    const a = await answering();
    const b = await answering();
    const addresses = [a.address, b.address];
    await Promise.all([a.close(), b.close()]);
    await withClient(async (remoting) => {
      const failure = nameServers(addresses.join(';'), remoting, 500).request(ask);
      await expect(failure).rejects.toThrow(ConnectionError);
      const message = await failure.catch((error: Error) => error.message);
      for (const address of addresses) expect(message).toContain(`${address}: cannot connect`);
      expect(message).toContain('Check namesrvAddr');
    });
  });

  it('uses another list from one moment to the next', async () => {
    await using before = await answering();
    await using after = await answering();
    await withClient(async (remoting) => {
      const servers = nameServers(before.address, remoting, 5_000);
      await servers.request(ask);
      servers.update([after.address]);
      expect(servers.addresses).toEqual([after.address]);
      await servers.request(ask);
      expect([before.received.length, after.received.length]).toEqual([1, 1]);
      await waitFor(() => before.connections.size === 0, { what: 'the end of the connection to the old one' });
      expect(() => servers.update('nonsense')).toThrow(ConfigurationError);
      expect(servers.addresses).toEqual([after.address]);
    });
  });

  it('takes addresses as clouds write them', async () => {
    await withClient(async (remoting) => {
      const servers = nameServers('http://MQ_INST_1_b.region.example.com:80', remoting, 5_000);
      expect(servers.addresses).toEqual(['MQ_INST_1_b.region.example.com:80']);
    });
  });

  it('tells a broker from a name server', async () => {
    await using broker = await ScriptedPeer.start((request) =>
      createResponse(request, ResponseCode.REQUEST_CODE_NOT_SUPPORTED, ' request type 105 not supported'),
    );
    await withClient(async (remoting) => {
      const failure = nameServers(broker.address, remoting, 5_000).request(ask);
      await expect(failure).rejects.toThrow(WrongPeerError);
      await expect(failure).rejects.toThrow(/not a name server, probably a broker.*9876/);
    });
  });

  it('works while one entry of the list is wrong, and names it when none answers', async () => {
    await using alive = await answering();
    await using web = await ScriptedPeer.start((_, connection) => {
      connection.sendBytes(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
      return undefined;
    });
    await withClient(async (remoting) => {
      const servers = nameServers(`${web.address};${alive.address}`, remoting, 5_000);
      for (let i = 0; i < 3; i++) expect((await servers.request(ask)).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
      await alive.close();
      const failure = servers.request(ask);
      await expect(failure).rejects.toThrow(WrongPeerError);
      await expect(failure).rejects.toThrow(/speaks HTTP/);
    });
  });

  it('says that it is the environment whose list is wrong', () => {
    const given = process.env['NAMESRV_ADDR'];
    process.env['NAMESRV_ADDR'] = 'nonsense';
    try {
      const create = () => new NameServers({ remoting: new RemotingClient(), requestTimeoutMs: 500 });
      expect(create).toThrow('The environment variable NAMESRV_ADDR has the entry "nonsense"');
      process.env['NAMESRV_ADDR'] = 'a:1;b:2';
      expect(new NameServers({ remoting: new RemotingClient(), requestTimeoutMs: 500 }).addresses).toEqual([
        'a:1',
        'b:2',
      ]);
    } finally {
      if (given === undefined) delete process.env['NAMESRV_ADDR'];
      else process.env['NAMESRV_ADDR'] = given;
    }
  });

  it.each(['', ' ; ', 'host', 'host:', 'host:0x1', 'host:99999'])('refuses the list %j', (list) => {
    expect(() => nameServers(list, new RemotingClient(), 500)).toThrow(ConfigurationError);
  });
});

describe('foreignPortHint', () => {
  it.each([
    ['127.0.0.1:8081', /8081 is usually the RocketMQ Proxy's gRPC port/],
    ['127.0.0.1:8080', /8080 is usually/],
    ['127.0.0.1:10911', /10911 is usually a broker/],
  ])('explains %s', (address, message) => {
    expect(foreignPortHint(['127.0.0.1:9876', address])).toMatch(message);
  });

  it('says nothing about other ports', () => {
    expect(foreignPortHint(['127.0.0.1:9876', 'ns:19876'])).toBe('');
  });
});
