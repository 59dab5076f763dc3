import { describe, expect, it } from '@jest/globals';
import {
  ConfigurationError,
  ConnectionError,
  createRequest,
  createResponse,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { RemotingClient } from '@rocketnest/remoting';
import { ScriptedPeer } from '@rocketnest/testing';
import { foreignPortHint, NameServers } from '../src/name-servers.js';

const ask = () => createRequest(Requests.getRouteinfoByTopic, { topic: 'T' });
const answering = () => ScriptedPeer.start((request) => createResponse(request, ResponseCode.TOPIC_NOT_EXIST));

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
      const servers = new NameServers(`${deadAddress};${alive.address}`, remoting, 500);
      for (let i = 0; i < 5; i++) expect((await servers.request(ask)).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
      expect(alive.received).toHaveLength(5);
    });
  });

  it('passes over a name server that accepts but never answers', async () => {
    await using silent = await ScriptedPeer.start();
    await using alive = await answering();
    await withClient(async (remoting) => {
      const servers = new NameServers(`${silent.address};${alive.address}`, remoting, 100);
      for (let i = 0; i < 3; i++) expect((await servers.request(ask)).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
      expect(silent.received.length).toBeLessThanOrEqual(1);
    });
  });

  it('works again with a name server that was down before', async () => {
    const first = await answering();
    const { address, port } = first;
    await first.close();
    await withClient(async (remoting) => {
      const servers = new NameServers(address, remoting, 500);
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
      const failure = new NameServers(addresses.join(';'), remoting, 500).request(ask);
      await expect(failure).rejects.toThrow(ConnectionError);
      const message = await failure.catch((error: Error) => error.message);
      for (const address of addresses) expect(message).toContain(`${address}: cannot connect`);
      expect(message).toContain('Check namesrvAddr');
    });
  });

  it.each(['', ' ; ', 'host', 'host:', 'host:0x1', 'host:99999'])('refuses the list %j', (list) => {
    expect(() => new NameServers(list, new RemotingClient(), 500)).toThrow(ConfigurationError);
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
