import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@rocketnest/testing';
import { TcpProxy } from './tcp-proxy.js';

describe('a stretch of network', () => {
  let server: Server;
  let proxy: TcpProxy;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    // says everything back
    server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await TcpProxy.start(`127.0.0.1:${(server.address() as { port: number }).port}`);
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await proxy[Symbol.asyncDispose]();
    server.close();
  });

  function connect() {
    const socket = createConnection({ host: '127.0.0.1', port: Number(proxy.address.split(':')[1]) });
    sockets.push(socket);
    const client = { socket, received: '', closed: false };
    socket.on('data', (chunk) => {
      client.received += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      client.closed = true;
    });
    return client;
  }

  it('carries bytes both ways', async () => {
    const client = connect();
    client.socket.write('hello');
    await waitFor(() => client.received === 'hello');
  });

  it('holds bytes and new connections back while it stands still, and loses none', async () => {
    const before = connect();
    before.socket.write('one ');
    await waitFor(() => before.received === 'one ');
    proxy.stall();
    before.socket.write('two');
    const during = connect();
    during.socket.write('three');
    await once(during.socket, 'connect');
    await new Promise((resolve) => setTimeout(resolve, 100)); // that nothing comes takes time to see
    expect([before.received, during.received]).toEqual(['one ', '']);
    proxy.resume();
    await waitFor(() => before.received === 'one two' && during.received === 'three');
  });

  it('resets connections, and takes new ones', async () => {
    const first = connect();
    first.socket.write('x');
    await waitFor(() => first.received === 'x');
    proxy.cut();
    await waitFor(() => first.closed);
    const second = connect();
    second.socket.write('y');
    await waitFor(() => second.received === 'y');
  });
});
