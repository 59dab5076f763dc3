import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConnectionError, createResponse, ResponseCode } from '@rocketnest/protocol';
import { RemotingClient, silentLogger } from '@rocketnest/remoting';
import { ScriptedPeer, waitFor } from '@rocketnest/testing';
import { ClientInstance } from '../src/instance.js';
import { NameServerEndpoint } from '../src/name-server-endpoint.js';
import { NameServers } from '../src/name-servers.js';

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** An HTTP server and the paths it was asked for. */
async function page(
  answer: (response: ServerResponse) => void,
): Promise<{ url: string; asked: string[]; server: Server }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url!);
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/rocketmq/nsaddr`, asked, server };
}

function endpoint(
  url: string,
  found: string[],
  more: { unitName?: string; intervalMs?: number } = {},
): NameServerEndpoint {
  const created = new NameServerEndpoint({
    url,
    logger: silentLogger,
    onAddresses: (list) => found.push(list),
    ...more,
  });
  open.push(async () => created.close());
  return created;
}

describe('NameServerEndpoint', () => {
  it.each([
    ['a:1;b:2', undefined, '/rocketmq/nsaddr'],
    ['  a:1;b:2\r\nsomething else\n', undefined, '/rocketmq/nsaddr'],
    ['a:1;b:2', 'sh', '/rocketmq/nsaddr-sh?nofix=1'],
  ])('takes the first line of %j, of unit %s', async (text, unitName, path) => {
    const { url, asked } = await page((response) => response.end(text));
    const found: string[] = [];
    await endpoint(url, found, unitName === undefined ? {} : { unitName }).refresh();
    expect(found).toEqual(['a:1;b:2']);
    expect(asked).toEqual([path]);
  });

  it.each([
    ['an error', (response: ServerResponse) => response.writeHead(404).end('no'), /status 404/],
    ['an empty page', (response: ServerResponse) => response.end('\n'), /it is empty/],
    ['an endless page', (response: ServerResponse) => response.end('x'.repeat(100_000)), /longer than/],
    ['a closed connection', (response: ServerResponse) => response.destroy(), /socket hang up/],
  ])('says what is wrong with %s', async (_, answer, message) => {
    const { url } = await page(answer);
    const found: string[] = [];
    const failure = endpoint(url, found).refresh();
    await expect(failure).rejects.toThrow(ConnectionError);
    await expect(failure).rejects.toThrow(message);
    expect(found).toEqual([]);
  });

  it('keeps no connection open', async () => {
    const { url, server } = await page((response) => response.end('a:1'));
    await endpoint(url, []).refresh();
    await waitFor(() => new Promise<boolean>((resolve) => server.getConnections((_, count) => resolve(count === 0))));
  });
});

describe('NameServers with an endpoint', () => {
  const answering = () => ScriptedPeer.start((request) => createResponse(request, ResponseCode.TOPIC_NOT_EXIST));

  it('ask it when the first request needs an address, follow its changes, and keep the list while it fails', async () => {
    const [first, second] = [await answering(), await answering()];
    open.push(
      () => first.close(),
      () => second.close(),
    );
    let list: string | undefined = first.address;
    const { url, asked } = await page((response) => (list === undefined ? response.destroy() : response.end(list)));
    const remoting = new RemotingClient();
    open.push(() => remoting.close());
    const servers = new NameServers({
      nameServerEndpoint: url,
      remoting,
      requestTimeoutMs: 5_000,
      endpointIntervalMs: 20,
    });
    open.push(async () => servers.close());
    expect(servers.addresses).toEqual([]);
    const ask = () => servers.request(() => ({ ...createResponse({ opaque: 0, serializeType: 0 }, 105), flag: 0 }));
    expect((await ask()).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect(first.received).toHaveLength(1);

    servers.start();
    list = second.address;
    await waitFor(() => servers.addresses.includes(second.address), { what: 'the new list' });
    await ask();
    expect(second.received).toHaveLength(1);
    await waitFor(() => first.connections.size === 0, { what: 'the end of the connection to the old one' });

    list = undefined;
    const before = asked.length;
    await waitFor(() => asked.length > before + 2, { what: 'some failures' });
    expect(servers.addresses).toEqual([second.address]);
    await ask();
    expect(second.received).toHaveLength(2);
  });

  it('name it when it does not answer', async () => {
    const { url } = await page((response) => response.writeHead(500).end());
    const instance = new ClientInstance({ nameServerEndpoint: url });
    open.push(() => instance.close());
    await instance.start();
    await expect(instance.routes.refresh('topic')).rejects.toThrow(`The page ${url}`);
  });
});
