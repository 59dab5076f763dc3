import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Admin, Producer } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import { aclProperties, root } from '../support/apache-acl.js';
import { Servers } from '../support/servers.js';

const PATIENCE_MS = 60_000;

describe('users and permissions of Apache brokers', () => {
  let servers: Servers;
  let admin: Admin;

  beforeAll(async () => {
    servers = await Servers.start('apache', { broker: aclProperties, brokers: [{}, {}] });
    admin = new Admin({ namesrvAddr: servers.namesrvAddr, credentials: root, requestTimeoutMs: 30_000 });
    await admin.start();
  });
  afterAll(async () => {
    await admin?.close();
    await servers?.[Symbol.asyncDispose]();
  });

  /** Brokers take a change at once, but look at it through a cache. */
  const eventually = (what: string, holds: () => Promise<boolean>): Promise<boolean> =>
    waitFor(holds, { timeoutMs: PATIENCE_MS, what });

  it('lets a user do what it was allowed, and no more', async () => {
    const { auth } = admin;
    const [mine, other] = [unique('mine'), unique('other')];
    for (const topic of [mine, other]) await admin.topics.create({ topic, queues: 1 });
    const username = unique('user');
    const subject = `User:${username}`;
    await auth.createUser({ username, password: 'first-secret' });
    const users = await auth.users(username);
    expect(users.failures).toEqual([]);
    expect(users.items).toMatchObject([
      { username, userType: 'Normal', userStatus: 'enable' },
      { username, userType: 'Normal', userStatus: 'enable' },
    ]);

    await auth.createAcl(subject, [{ resources: [`Topic:${mine}`], actions: ['Pub'], decision: 'Allow' }]);
    expect((await auth.acl(subject)).items).toMatchObject([
      { subject, policies: [{ policyType: 'Custom', entries: [{ resource: `Topic:${mine}`, decision: 'Allow' }] }] },
      { subject },
    ]);
    await using producer = new Producer({
      namesrvAddr: servers.namesrvAddr,
      group: unique('p'),
      retryTimes: 0,
      sendTimeoutMs: 30_000,
      credentials: { accessKey: username, secretKey: 'first-secret' },
    });
    await producer.start();
    const maySend = (topic: string) =>
      producer.send({ topic, body: 'x' }).then(
        () => true,
        () => false,
      );
    await eventually('the permission to be in force', () => maySend(mine));
    expect(await maySend(other)).toBe(false);

    await auth.updateAcl(subject, [
      { resources: [`Topic:${mine}`, `Topic:${other}`], actions: ['Pub', 'Sub'], decision: 'Allow' },
    ]);
    await eventually('the second topic to be allowed', () => maySend(other));
    await auth.deleteAcl(subject, { resource: `Topic:${other}` });
    await eventually('the second topic to be forbidden again', async () => !(await maySend(other)));
    expect((await auth.acls({ subject: username })).items).toHaveLength(2);

    await auth.updateUser({ username, userStatus: 'disable' });
    await eventually('the user to be shut out', async () => !(await maySend(mine)));
    await auth.deleteAcl(subject);
    await auth.deleteUser(username);
    expect((await auth.user(username)).items).toEqual([]);
    expect((await auth.acl(subject)).items).toEqual([]);
  });

  it('copies users and permissions from one broker to another', async () => {
    const { auth } = admin;
    const username = unique('user');
    const subject = `User:${username}`;
    const [first] = await admin.brokers.list({ broker: 'broker-a' });
    await auth.createUser({ username, password: 'secret' }, { broker: first!.address });
    await auth.createAcl(subject, [{ resources: ['Topic:*'], actions: ['Sub'], decision: 'Deny' }], {
      broker: 'broker-a',
    });
    expect((await auth.users(username)).items.map(({ brokerName }) => brokerName)).toEqual(['broker-a']);
    expect(await auth.copyUsers('broker-a', 'broker-b', [username])).toEqual([username]);
    expect(await auth.copyAcls('broker-a', 'broker-b', [subject])).toEqual([subject]);
    // Again: what is there is changed.
    await auth.copyUsers('broker-a', 'broker-b');
    const both = ['broker-a', 'broker-b'];
    expect((await auth.users(username)).items.map(({ brokerName }) => brokerName).sort()).toEqual(both);
    expect((await auth.acl(subject)).items.map(({ brokerName }) => brokerName).sort()).toEqual(both);
  });

  it('says that somebody else may not do this', async () => {
    const username = unique('user');
    await admin.auth.createUser({ username, password: 'secret' });
    await using other = new Admin({
      namesrvAddr: servers.namesrvAddr,
      credentials: { accessKey: username, secretKey: 'secret' },
      requestTimeoutMs: 30_000,
    });
    await other.start();
    await expect(other.auth.createUser({ username: unique('user'), password: 'x' })).rejects.toThrow(
      /credentials of a Super user|Super|permission/i,
    );
  });
});
