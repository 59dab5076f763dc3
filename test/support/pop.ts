import { createRequest, Requests } from '@rocketnest/protocol';
import type { RemotingClient } from '@rocketnest/remoting';
import { sendFields, type TestBroker } from '../../packages/broker/test/harness.js';
import { PopClient } from '../../packages/broker/test/pop/pop-client.js';

/** Speaks pop to a broker of whatever implementation. */
export function popClient(client: RemotingClient, address: string, topic: string): PopClient {
  const call: TestBroker['call'] = (definition, fields, body = null, timeoutMs = 20_000) =>
    client.request(address, createRequest(definition, fields, body), { timeoutMs });
  const send: TestBroker['send'] = (name, body, fields = {}) =>
    call(Requests.sendMessageV2, sendFields(name, fields), Buffer.from(body));
  return new PopClient({ call, send }, topic);
}
