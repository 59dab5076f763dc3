import { afterEach, describe, expect, it } from '@jest/globals';
import { ConfigurationError, createResponse, ResponseCode } from '@rocketnest/protocol';
import type { RpcHook } from '@rocketnest/remoting';
import { ScriptedPeer } from '@rocketnest/testing';
import { responseError } from '../src/broker-api.js';
import { signatureOf } from '../src/credentials.js';
import { ClientInstance } from '../src/instance.js';

describe('signatureOf', () => {
  /** Recorded from AclUtils.calSignature(AclUtils.combineRequestContent(request, fields), secretKey). */
  it.each([
    [
      'fields without a body',
      { topic: 'orders', AccessKey: 'rocketmq' },
      null,
      '12345678',
      '6CzVIvN93TuyM1Mo0luI0YTOgtE=',
    ],
    [
      'fields in the order of their names, without a signature, and the body',
      { b: '2', a: '1', Z: '0', AccessKey: 'rocketmq', Signature: 'old', é: 'ü' },
      Buffer.from('body'),
      '12345678',
      'RnDiVkamzjtCEh8Zl8+mNVV6Mqc=',
    ],
    [
      'any characters and bytes',
      { a: '你好', AccessKey: '用户', SecurityToken: 't' },
      [Buffer.of(0), Buffer.of(255, 10)],
      '密码',
      'ShWr6dxpmrOpsJ+uynb6YsPR0UI=',
    ],
  ] as [string, Record<string, string>, Buffer | Buffer[] | null, string, string][])(
    'covers %s',
    (_, extFields, body, secretKey, signature) => {
      expect(signatureOf({ extFields, body }, secretKey)).toBe(signature);
    },
  );
});

describe('a client with credentials', () => {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  async function clientOf(credentials: ConstructorParameters<typeof ClientInstance>[0]['credentials']) {
    const peer = await ScriptedPeer.start((request) => createResponse(request, 0));
    open.push(peer);
    const hook: RpcHook = {
      beforeRequest(_, { extFields }) {
        extFields['own'] = '1';
      },
    };
    const instance = new ClientInstance({
      namesrvAddr: peer.address,
      credentials,
      namespaceV2: 'tenant',
      rpcHooks: [hook],
    });
    open.push(instance);
    await instance.start();
    return { peer, instance };
  }

  it('signs all fields of a request, those of hooks and of the namespace too, and its body', async () => {
    const { peer, instance } = await clientOf({ accessKey: 'ak', secretKey: 'sk', securityToken: 'token' });
    await instance.api.unregisterClient(peer.address, { clientID: 'me' });
    const { extFields, body } = await peer.receive(1);
    const { Signature, ...signed } = extFields;
    expect(signed).toEqual({
      clientID: 'me',
      ns: 'tenant',
      nsd: 'true',
      own: '1',
      AccessKey: 'ak',
      SecurityToken: 'token',
    });
    expect(Signature).toBe(signatureOf({ extFields: signed, body }, 'sk'));
  });

  it('asks a function for every request', async () => {
    let turn = 0;
    const { peer, instance } = await clientOf(() => ({ accessKey: `ak${++turn}`, secretKey: 'sk' }));
    await instance.api.unregisterClient(peer.address, { clientID: 'me' });
    await instance.api.unregisterClient(peer.address, { clientID: 'me' });
    expect(peer.received.map(({ extFields }) => extFields['AccessKey'])).toEqual(['ak1', 'ak2']);
  });

  it.each([
    [{}],
    [{ accessKey: 'a' }],
    [{ accessKey: 'a', secretKey: '' }],
    ['secret'],
    [{ accessKey: 'a', secretKey: 'b', securityToken: 3 }],
  ])('refuses %j as credentials, without showing it', (credentials) => {
    const create = () => new ClientInstance({ namesrvAddr: 'h:1', credentials: credentials as never });
    expect(create).toThrow(ConfigurationError);
    expect(create).not.toThrow(/"secret"/);
    expect(create).toThrow(/"credentials" must be an object with the texts accessKey and secretKey/);
  });
});

it.each([
  ['check signature failed.', /secretKey .* is not the one of this accessKey/],
  ['User:nobody is not found.', /does not know the accessKey/],
  ['username cannot be null.', /set the option "credentials"/],
  ['User:joe is disabled.', /Enable the user/],
  ['joe has no permission to access Topic:x from 10.0.0.1, no matched policies.', /grant it on the broker/],
])('says what to do when a broker answers "%s"', (remark, next) => {
  const response = createResponse({ opaque: 1, serializeType: 0 }, ResponseCode.NO_PERMISSION, remark);
  expect(responseError('SEND_MESSAGE', 'broker a', response).message).toMatch(next);
});
