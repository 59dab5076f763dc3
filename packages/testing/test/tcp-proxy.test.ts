import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import { createResponse } from '@rocketnest/protocol';
import { RemotingClient } from '@rocketnest/remoting';
import { ScriptedPeer, TcpProxy, waitFor } from '../src/index.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function start(): Promise<{ peer: ScriptedPeer; proxy: TcpProxy; ask: (timeoutMs: number) => Promise<number> }> {
  const peer = await ScriptedPeer.start((request) => createResponse(request, 7));
  const proxy = await TcpProxy.start(peer.port);
  const client = new RemotingClient();
  open.push(peer, proxy, client);
  const ask = async (timeoutMs: number): Promise<number> => {
    const request = { ...createResponse({ opaque: 0, serializeType: 0 }, 1), flag: 0 };
    return (await client.request(proxy.address, request, { timeoutMs })).code;
  };
  return { peer, proxy, ask };
}

it('passes bytes both ways', async () => {
  const { peer, proxy, ask } = await start();
  expect(await ask(10_000)).toBe(7);
  expect([peer.connections.size, proxy.connections]).toEqual([1, 1]);
});

it('holds bytes back, on old connections and on new ones, until they may pass', async () => {
  const { peer, proxy, ask } = await start();
  await ask(10_000);
  proxy.mode = 'stall';
  await expect(ask(100)).rejects.toThrow(/no response/);
  expect(peer.received).toHaveLength(1);
  const second: Socket = connect(proxy.port, '127.0.0.1');
  await once(second, 'connect');
  second.destroy();
  proxy.mode = 'forward';
  expect(await ask(10_000)).toBe(7);
});

it('cuts and refuses', async () => {
  const { peer, proxy, ask } = await start();
  await ask(10_000);
  proxy.mode = 'refuse';
  proxy.cut();
  await waitFor(() => peer.connections.size === 0);
  await expect(ask(10_000)).rejects.toThrow(/closed|broke|reset/i);
  proxy.mode = 'forward';
  expect(await ask(10_000)).toBe(7);
});

it('freezes what is connected and serves what connects then', async () => {
  const { peer, proxy, ask } = await start();
  await ask(10_000);
  proxy.freeze();
  await expect(ask(100)).rejects.toThrow(/no response/);
  const other = new RemotingClient();
  open.push(other);
  const request = { ...createResponse({ opaque: 0, serializeType: 0 }, 1), flag: 0 };
  expect((await other.request(proxy.address, request, { timeoutMs: 10_000 })).code).toBe(7);
  // The first one, and that of the other client.
  expect(peer.received).toHaveLength(2);
});
