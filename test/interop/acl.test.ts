import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Admin, type Credentials, LitePullConsumer, Producer, PushConsumer, ResponseError } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import { type ServerKind, type ServerOptions, Servers } from '../support/servers.js';

const AUTH = 'org.apache.rocketmq.auth';
const root: Credentials = { accessKey: 'superuser', secretKey: 'super-secret' };

/** Brokers that ask every client who it is, and let `superuser` do everything. */
const brokers: readonly [what: string, kind: ServerKind, options: ServerOptions][] = [
  [
    'an Apache 5.5.0 broker with authentication and authorization on',
    'apache',
    {
      broker: {
        authenticationEnabled: true,
        authenticationProvider: `${AUTH}.authentication.provider.DefaultAuthenticationProvider`,
        authenticationMetadataProvider: `${AUTH}.authentication.provider.LocalAuthenticationMetadataProvider`,
        authorizationEnabled: true,
        authorizationProvider: `${AUTH}.authorization.provider.DefaultAuthorizationProvider`,
        authorizationMetadataProvider: `${AUTH}.authorization.provider.LocalAuthorizationMetadataProvider`,
        initAuthenticationUser: JSON.stringify({ username: root.accessKey, password: root.secretKey }),
        innerClientAuthenticationCredentials: JSON.stringify(root),
      },
    },
  ],
  [
    'an Apache 4.9 broker with aclEnable',
    'apache-4.9',
    {
      broker: { aclEnable: true },
      files: {
        'conf/plain_acl.yml': `accounts:\n- accessKey: ${root.accessKey}\n  secretKey: ${root.secretKey}\n  admin: true\n`,
      },
    },
  ],
];

describe.each(brokers)('%s', (_what, kind, options) => {
  let servers: Servers;
  const topic = unique('acl');

  beforeAll(async () => {
    servers = await Servers.start(kind, options);
    await using admin = new Admin({ namesrvAddr: servers.namesrvAddr, credentials: root });
    await admin.start();
    await admin.topics.create({ topic, queues: 2 });
  });
  afterAll(() => servers[Symbol.asyncDispose]());

  const producerAs = (credentials: Credentials | undefined) =>
    new Producer({ namesrvAddr: servers.namesrvAddr, group: unique('p'), retryTimes: 0, credentials });
  const consumerAs = (credentials: Credentials | undefined) =>
    new PushConsumer({
      namesrvAddr: servers.namesrvAddr,
      group: unique('g'),
      consumeFrom: 'FIRST_OFFSET',
      credentials,
    }).subscribe(topic);

  it('takes messages, one-way messages and batches of a client that signs, and delivers and retries them', async () => {
    await using producer = producerAs(root);
    await producer.start();
    await producer.send({ topic, body: 'one', tags: '标签', keys: 'ключ', properties: { näme: 'wért' } });
    await producer.send([
      { topic, body: 'two' },
      { topic, body: 'three' },
    ]);
    await producer.sendOneway({ topic, body: 'four' });
    await producer.send({ topic, body: 'x'.repeat(100_000) });
    const seen = new Map<string, number>();
    await using consumer = consumerAs(root).listen(([message]) => {
      seen.set(message!.body.toString().slice(0, 5), message!.reconsumeTimes);
      if (message!.body.toString() === 'one' && message!.reconsumeTimes === 0) throw new Error('again, please');
    });
    await consumer.start();
    await waitFor(() => seen.size === 5 && seen.get('one') === 1, {
      timeoutMs: 90_000,
      what: 'five messages and a retry',
    });
    expect([...seen.keys()].sort()).toEqual(['four', 'one', 'three', 'two', 'xxxxx']);
  });

  it.each([
    [
      'a wrong secret',
      { accessKey: root.accessKey, secretKey: 'guess-guess' },
      /check signature failed.* The secretKey of the option "credentials" is not the one/is,
    ],
    [
      'an unknown user',
      { accessKey: 'nobody-here', secretKey: 'guess-guess' },
      /(User:nobody-here is not found|No acl config for nobody-here).* The broker does not know the accessKey/s,
    ],
    [
      'no credentials',
      undefined,
      /(username cannot be null|No accessKey is configured).* set the option "credentials"/s,
    ],
  ])('refuses a client with %s, which says what to do', async (_, credentials, message) => {
    await using producer = producerAs(credentials);
    await producer.start();
    const refusal = await producer.send({ topic, body: 'x' }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ResponseError);
    expect((refusal as Error).message).toMatch(message);

    const { namesrvAddr } = servers;
    const consumers = [
      consumerAs(credentials).listen(() => {}),
      new LitePullConsumer({ namesrvAddr, group: unique('g'), credentials }).subscribe(topic),
    ];
    for (const consumer of consumers) {
      await expect(consumer.start()).rejects.toThrow(message);
      await consumer.close();
    }
    await using admin = new Admin({ namesrvAddr, credentials });
    await admin.start();
    await expect(admin.topics.create({ topic: unique('acl') })).rejects.toThrow(message);
  });
});
