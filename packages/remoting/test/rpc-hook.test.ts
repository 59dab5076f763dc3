import { afterEach, expect, it } from '@jest/globals';
import { createResponse, type DecodedCommand, type RemotingCommand } from '@rocketnest/protocol';
import { RemotingClient } from '../src/client.js';
import type { RpcHook } from '../src/rpc-hook.js';
import { Cleanup, command, listen, RawPeer } from './support.js';

const cleanup = new Cleanup();
afterEach(cleanup.run);

/** A server that answers every request with its own fields, and a client with the hooks. */
async function echo(
  hooks: readonly RpcHook[],
): Promise<{ client: RemotingClient; address: string; seen: DecodedCommand[] }> {
  const peers: RawPeer[] = [];
  const seen: DecodedCommand[] = [];
  const { server, port } = await listen((socket) => {
    const peer = new RawPeer(socket);
    peers.push(peer);
    socket.on('data', () => {
      for (const request of peer.received.splice(0)) {
        seen.push(request);
        if ((request.flag & 2) === 0) peer.send(createResponse(request, 0, null, request.extFields));
      }
    });
  });
  cleanup.add(server, () => {
    for (const { socket } of peers) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const client = cleanup.add(new RemotingClient({ hooks }), (each) => each.close());
  return { client, address: `127.0.0.1:${port}`, seen };
}

const adding = (name: string, log: string[] = []): RpcHook => ({
  beforeRequest(address, request) {
    log.push(`${name} before ${request.code} to ${address}`);
    request.extFields[name] = Object.keys(request.extFields).join('+');
  },
  afterResponse(address, request, response) {
    log.push(`${name} after ${request.code} from ${address}: ${JSON.stringify(response.extFields)}`);
  },
});

it('shows requests to the hooks in their order, with what hooks before them added, and then the response', async () => {
  const log: string[] = [];
  const { client, address } = await echo([adding('a', log), adding('b', log)]);
  const fields = (await client.request(address, command(1, { x: '1' }))).extFields;
  expect(fields).toEqual({ x: '1', a: 'x', b: 'x+a' });
  expect(log).toEqual([
    `a before 1 to ${address}`,
    `b before 1 to ${address}`,
    `a after 1 from ${address}: ${JSON.stringify(fields)}`,
    `b after 1 from ${address}: ${JSON.stringify(fields)}`,
  ]);
});

it.each([
  [
    'a callback',
    (client: RemotingClient, address: string, sent: RemotingCommand) =>
      new Promise<void>((resolve) => client.requestCallback(address, sent, 5_000, () => resolve())),
  ],
  ['one way', (client: RemotingClient, address: string, sent: RemotingCommand) => client.sendOneway(address, sent)],
  [
    'one way over the connection itself',
    async (client: RemotingClient, address: string, sent: RemotingCommand) =>
      (await client.connection(address)).sendOneway(sent),
  ],
  [
    'the connection itself',
    async (client: RemotingClient, address: string, sent: RemotingCommand) => {
      await (await client.connection(address)).request(sent, { timeoutMs: 5_000 });
    },
  ],
])('is called once for a request with %s, connected already or not', async (_, send) => {
  const log: string[] = [];
  const { client, address } = await echo([{ beforeRequest: (_address, { code }) => void log.push(String(code)) }]);
  await send(client, address, command(1));
  await send(client, address, command(2));
  expect(log).toEqual(['1', '2']);
});

it('fails the request a hook refuses, and sends nothing', async () => {
  const refusal = new Error('not today');
  const { client, address, seen } = await echo([
    {
      beforeRequest(_, { code }) {
        if (code === 1) throw refusal;
      },
    },
  ]);
  await expect(client.request(address, command(1))).rejects.toBe(refusal);
  await expect(client.sendOneway(address, command(1))).rejects.toBe(refusal);
  await client.request(address, command(2));
  expect(seen.map(({ code }) => code)).toEqual([2]);
});

it('fails the request whose response a hook refuses', async () => {
  const refusal = new Error('forged');
  const { client, address } = await echo([
    {
      afterResponse() {
        throw refusal;
      },
    },
  ]);
  await expect(client.request(address, command(1))).rejects.toBe(refusal);
});
