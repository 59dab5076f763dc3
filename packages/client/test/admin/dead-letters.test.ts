import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '@rocketnest/protocol';
import { unique, waitFor } from '@rocketnest/testing';
import { type Admin, type ExportedDeadLetter, type MessageExt, Producer, PushConsumer } from '../../src/index.js';
import { TestCluster } from '../support/cluster.js';

describe('admin.deadLetters', () => {
  let cluster: TestCluster;
  let admin: Admin;
  let producer: Producer;
  beforeAll(async () => {
    cluster = await TestCluster.start();
    admin = cluster.admin;
    producer = new Producer({ group: unique('producers') }, admin.instance);
    await producer.start();
  });
  afterAll(async () => {
    await producer.close();
    await cluster.close();
  });

  /** A consumer that gives up messages while `broken.now` is true, and remembers the others. */
  async function consumer(topic: string, group: string, broken: { now: boolean }, seen: MessageExt[]) {
    const made = new PushConsumer({ namesrvAddr: cluster.namesrvAddr, group, consumeFrom: 'FIRST_OFFSET' });
    made.subscribe(topic, 'tag').listen(async (messages) => {
      if (broken.now) return { action: 'dead-letter' };
      seen.push(...messages);
      return undefined;
    });
    await made.start();
    return made;
  }

  it('lists, exports and sends again what a group gave up: to it alone, or to all', async () => {
    const topic = await cluster.topic(1);
    const [group, other] = [unique('group'), unique('other')];
    const broken = { now: true };
    const [seen, seenByOther]: [MessageExt[], MessageExt[]] = [[], []];
    await using _mine = await consumer(topic, group, broken, seen);
    await using _others = await consumer(topic, other, { now: false }, seenByOther);
    expect(await admin.deadLetters.list(group)).toEqual({ items: [], failures: [], cursor: undefined });
    const ids: string[] = [];
    for (const body of ['one', 'two']) {
      ids.push(
        (await producer.send({ topic, body, tags: 'tag', keys: `key-${body}`, properties: { colour: 'rot' } })).msgId,
      );
    }
    const letters = await waitFor(
      async () => {
        const { items } = await admin.deadLetters.list(group);
        return items.length === 2 ? items : undefined;
      },
      { what: 'two dead letters' },
    );
    expect(letters.map(({ originTopic }) => originTopic)).toEqual([topic, topic]);
    expect(letters.map(({ originMsgId }) => originMsgId).sort()).toEqual([...ids].sort());
    const { items: counts } = await admin.deadLetters.overview();
    expect(counts.find((row) => row.group === group)).toMatchObject({ count: 2 });
    const lines: ExportedDeadLetter[] = [];
    for await (const line of admin.deadLetters.export(group)) lines.push(JSON.parse(line) as ExportedDeadLetter);
    const first = lines.find(({ msgId }) => msgId === ids[0])!;
    expect(first).toMatchObject({ topic, tags: 'tag', keys: 'key-one', properties: { colour: 'rot' } });
    expect(Buffer.from(first.body, 'base64').toString()).toBe('one');

    broken.now = false;
    await waitFor(() => seenByOther.length === 2, { what: 'the other group to read both' });
    const one = await admin.deadLetters.resend(group, [letters.find((letter) => letter.originMsgId === ids[0])!]);
    expect(one).toEqual({ sent: 1, failures: [] });
    await waitFor(() => seen.length === 1, { what: 'the first to come again' });
    expect(seen[0]).toMatchObject({ topic, msgId: ids[0], reconsumeTimes: 0 });
    expect(seen[0]!.properties).toMatchObject({ TAGS: 'tag', KEYS: 'key-one', colour: 'rot' });

    const all = await admin.deadLetters.resendAll(group, {}, 'topic');
    expect(all).toEqual({ sent: 2, failures: [] });
    await waitFor(() => seen.length === 3 && seenByOther.length === 4, { what: 'both to come to both groups' });
    expect(new Set(seenByOther.map(({ msgId }) => msgId))).toEqual(new Set(ids));
  });

  it('explains what is not there', async () => {
    const group = unique('group');
    await expect(admin.deadLetters.resend(group, ['C'.repeat(32)])).rejects.toThrow();
    expect(await admin.deadLetters.resendAll(group)).toEqual({ sent: 0, failures: [] });
    await expect(admin.deadLetters.list('a b')).rejects.toThrow(ConfigurationError);
  });
});
