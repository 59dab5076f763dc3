import { describe, expect, it } from '@jest/globals';
import { ConnectionError, createRequest, createResponse, ProtocolError, Requests } from '@rocketnest/protocol';
import { RemotingClient } from '@rocketnest/remoting';
import { ScriptedPeer } from '../src/scripted-peer.js';
import { waitFor } from '../src/wait-for.js';

const request = () => createRequest(Requests.getNamesrvConfig, {});

describe('ScriptedPeer', () => {
  it('answers as its script says and records what arrived', async () => {
    await using peer = await ScriptedPeer.start((command) => createResponse(command, 0, 'scripted'));
    const client = new RemotingClient();
    expect((await client.request(peer.address, request())).remark).toBe('scripted');
    expect((await peer.receive(1)).code).toBe(request().code);
    await client.close();
  });

  it('can stay silent, then answer in any order', async () => {
    await using peer = await ScriptedPeer.start();
    const client = new RemotingClient();
    const first = client.request(peer.address, request());
    const second = client.request(peer.address, request());
    await peer.receive(2);
    const [connection] = peer.connections;
    for (const each of [...peer.received].reverse()) connection!.send(createResponse(each, 0, `to ${each.opaque}`));
    expect((await first).remark).toBe(`to ${peer.received[0]!.opaque}`);
    expect((await second).remark).toBe(`to ${peer.received[1]!.opaque}`);
    await client.close();
  });

  it('can send garbage', async () => {
    await using peer = await ScriptedPeer.start((_, connection) => {
      connection.sendBytes(Buffer.from('no frame at all'));
      return undefined;
    });
    const client = new RemotingClient();
    await expect(client.request(peer.address, request())).rejects.toThrow(ProtocolError);
    await client.close();
  });

  it('can cut connections and go on listening', async () => {
    await using peer = await ScriptedPeer.start();
    const client = new RemotingClient();
    const answer = client.request(peer.address, request());
    await peer.receive(1);
    peer.disconnectAll();
    await expect(answer).rejects.toThrow(ConnectionError);
    peer.script((command) => createResponse(command, 0, 'again'));
    expect((await client.request(peer.address, request())).remark).toBe('again');
    await client.close();
    await waitFor(() => peer.connections.size === 0, { what: 'the peer to see the end' });
  });
});
