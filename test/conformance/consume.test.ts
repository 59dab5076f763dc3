import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { MessageExt } from '@rocketnest/client';
import { waitFor } from '@rocketnest/testing';
import { type Inbox, PATIENCE_MS, useCluster } from './support/cluster.js';

const cluster = useCluster();

const numbered = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `message ${from + i}`);

async function sendAll(topic: string, bodies: readonly string[], tags?: string): Promise<void> {
  const producer = await cluster.producer();
  for (const body of bodies) await producer.send({ topic, body, tags });
}

const assigned = (inboxes: readonly Inbox[], topic: string) =>
  inboxes.map(({ consumer }) => consumer.assignment.filter((queue) => queue.topic === topic).length);

describe('a group', () => {
  it('shares the queues, and members that stay take over from those that leave', async () => {
    const topic = await cluster.topic(3);
    const group = cluster.group();
    const members: Inbox[] = [];
    for (let i = 0; i < 3; i++) members.push(await cluster.consume(topic, { group }));
    const shares = (counts: readonly number[]) =>
      waitFor(() => assigned(members, topic).join() === counts.join(), {
        timeoutMs: PATIENCE_MS,
        what: `shares of ${counts.join()} queues`,
      });
    await shares([2, 2, 2]);

    await sendAll(topic, numbered(30));
    // A queue on its way from one member to another may bring messages twice: at least once is the promise.
    const all = () => [...new Set(members.flatMap(({ bodies }) => bodies))];
    await waitFor(() => all().length >= 30, { timeoutMs: PATIENCE_MS, what: '30 messages' });
    expect(members.map(({ messages }) => messages.length > 0)).toEqual([true, true, true]);

    await members[0]!.consumer.close();
    await waitFor(() => assigned(members, topic).slice(1).join() === '3,3', {
      timeoutMs: PATIENCE_MS,
      what: 'shares of 3 queues',
    });
    await sendAll(topic, numbered(30, 30));
    await waitFor(() => all().length >= 60, { timeoutMs: PATIENCE_MS, what: '60 messages' });
    expect(all().sort()).toEqual(numbered(60).sort());
  });

  it('gets every message, as does another group', async () => {
    const topic = await cluster.topic();
    const inboxes = [await cluster.consume(topic), await cluster.consume(topic)];
    await sendAll(topic, numbered(20));
    for (const inbox of inboxes) {
      await inbox.until(20);
      expect(inbox.bodies.sort()).toEqual(numbered(20).sort());
    }
  });

  it('gives every member every message when it broadcasts', async () => {
    const topic = await cluster.topic();
    const group = cluster.group();
    const localOffsetStoreDir = await mkdtemp(join(tmpdir(), 'rocketnest-offsets-'));
    cluster.closeLater(() => rm(localOffsetStoreDir, { recursive: true, force: true }));
    const options = { group, messageModel: 'BROADCASTING', localOffsetStoreDir } as const;
    const inboxes = [await cluster.consume(topic, options), await cluster.consume(topic, options)];
    await sendAll(topic, numbered(20));
    for (const inbox of inboxes) {
      await inbox.until(20);
      expect(inbox.bodies.sort()).toEqual(numbered(20).sort());
    }
  });

  it('consumes several topics, also one that comes into being later', async () => {
    const topics = [await cluster.topic(1), await cluster.topic(2)];
    const inbox = await cluster.consume(topics);
    await sendAll(topics[0]!, ['one']);
    await sendAll(topics[1]!, ['two']);
    await inbox.until(2);
    expect(inbox.messages.map(({ topic }) => topic).sort()).toEqual([...topics].sort());

    const late = await cluster.topic(1);
    inbox.consumer.subscribe(late);
    await sendAll(late, ['three']);
    await inbox.until(3);
    expect(inbox.bodies.at(-1)).toBe('three');
  });
});

describe('a filter', () => {
  it('of tags lets those messages through, also where their hashes are equal', async () => {
    const topic = await cluster.topic(1);
    // "Aa" and "BB" have the same Java hash code, which is all the broker compares
    for (const tag of ['Aa', 'BB', 'Cc', 'Aa', 'End']) await sendAll(topic, [`tagged ${tag}`], tag);
    await sendAll(topic, ['not tagged']);
    const inbox = await cluster.consume(topic, { filter: 'Aa || End' });
    await inbox.until(3);
    expect(inbox.bodies.sort()).toEqual(['tagged Aa', 'tagged Aa', 'tagged End']);
  });

  it('of SQL92 looks at properties and tags', async () => {
    const topic = await cluster.topic(1);
    const producer = await cluster.producer();
    const send = (body: string, tags: string, properties: Record<string, string>) =>
      producer.send({ topic, body, tags, properties });
    await send('small', 'paid', { amount: '50', city: 'Lyon' });
    await send('large', 'paid', { amount: '150', city: 'Lyon' });
    await send('large elsewhere', 'paid', { amount: '150', city: 'Nice' });
    await send('large and open', 'open', { amount: '250', city: 'Lyon' });
    await send('without amount', 'paid', { city: 'Lyon' });
    await send('last', 'paid', { amount: '101', city: 'Paris' });
    const inbox = await cluster.consume(topic, {
      filter: { sql92: "amount BETWEEN 100 AND 200 AND city IN ('Lyon', 'Paris') AND TAGS = 'paid'" },
    });
    await inbox.until(2);
    expect(inbox.bodies.sort()).toEqual(['large', 'last']);
  });

  it('of SQL92 that is none is refused at start', async () => {
    const topic = await cluster.topic(1);
    await expect(cluster.consume(topic, { filter: { sql92: 'amount >' } })).rejects.toThrow('amount >');
  });
});

describe('batches', () => {
  it('are as large as allowed, and only what failed of one comes again', async () => {
    const topic = await cluster.topic(1);
    await sendAll(topic, numbered(20));
    const sizes: number[] = [];
    const failed = new Set<string>();
    const inbox = await cluster.consume(topic, {
      consumeMessageBatchMaxSize: 8,
      handler: (messages) => {
        sizes.push(messages.length);
        if (failed.size > 0) return undefined;
        for (const { body } of messages.slice(3)) failed.add(body.toString());
        return { action: 'retry', consumed: 3 };
      },
    });
    await waitFor(() => inbox.messages.length >= 20 + failed.size && failed.size > 0, {
      timeoutMs: PATIENCE_MS,
      what: 'all messages and the repetitions',
    });
    expect(Math.max(...sizes)).toBeLessThanOrEqual(8);
    expect(inbox.bodies.sort()).toEqual([...numbered(20), ...failed].sort());
  });
});

describe('a failed message', () => {
  it('comes again, with its own topic and id and a count', async () => {
    const topic = await cluster.topic(1);
    const inbox = await cluster.consume(topic, {
      handler: ([message]) => {
        if (message!.reconsumeTimes < 2) throw new Error('not yet');
      },
    });
    await sendAll(topic, ['fails twice']);
    const messages = await inbox.until(3);
    expect(messages.map(({ reconsumeTimes }) => reconsumeTimes)).toEqual([0, 1, 2]);
    expect(new Set(messages.map(({ msgId }) => msgId)).size).toBe(1);
    expect(new Set(messages.map((message) => message.topic))).toEqual(new Set([topic]));
  });

  it('becomes a dead letter after maxReconsumeTimes, or at once', async () => {
    const topic = await cluster.topic(1);
    const group = cluster.group();
    const seen: string[] = [];
    await cluster.consume(topic, {
      group,
      maxReconsumeTimes: 1,
      handler: ([message]) => {
        const body = message!.body.toString();
        seen.push(body);
        if (body === 'poison') return { action: 'dead-letter' };
        if (body === 'hopeless') throw new Error('always');
        return undefined;
      },
    });
    await sendAll(topic, ['poison', 'hopeless', 'fine']);
    const dead = await deadLetters(group, 2);
    expect(dead.map(({ body }) => body.toString()).sort()).toEqual(['hopeless', 'poison']);
    expect(dead.map(({ properties }) => properties['RETRY_TOPIC'])).toEqual([topic, topic]);
    expect(seen.sort()).toEqual(['fine', 'hopeless', 'hopeless', 'poison']);
  });
});

describe('orderly consumption', () => {
  it('keeps the order of every queue, with failures and two members', async () => {
    const topic = await cluster.topic(2);
    const group = cluster.group();
    const producer = await cluster.producer();
    const seen = new Map<string, string[]>();
    const failed = new Set<string>();
    const running = new Set<string>();
    const overlaps: string[] = [];
    const handler = async ([message]: MessageExt[], { queue }: { queue: { brokerName: string; queueId: number } }) => {
      const name = `${queue.brokerName} ${queue.queueId}`;
      if (running.has(name)) overlaps.push(name);
      running.add(name);
      await new Promise((resolve) => setImmediate(resolve));
      running.delete(name);
      const body = message!.body.toString();
      if (body.endsWith('7') && !failed.has(name + body)) {
        failed.add(name + body);
        throw new Error('once more');
      }
      seen.set(name, [...(seen.get(name) ?? []), body]);
    };
    const options = { group, consumeMode: 'ORDERLY', handler } as const;
    await cluster.consume(topic, options);
    const send = async (from: number) => {
      for (const queue of await producer.publishQueues(topic)) {
        for (const body of numbered(20, from)) await producer.send({ topic, body }, { queue });
      }
    };
    await send(0);
    const second = await cluster.consume(topic, options);
    await send(20);
    await waitFor(() => second.consumer.assignment.filter((queue) => queue.topic === topic).length === 2, {
      timeoutMs: PATIENCE_MS,
      what: 'the second member has queues',
    });
    await send(40);
    const total = () => [...seen.values()].reduce((sum, { length }) => sum + length, 0);
    await waitFor(() => total() >= 240, { timeoutMs: PATIENCE_MS, what: '240 messages' });
    expect([...seen.keys()].sort()).toEqual(['broker-a 0', 'broker-a 1', 'broker-b 0', 'broker-b 1']);
    for (const bodies of seen.values()) expect(bodies).toEqual(numbered(60));
    expect(overlaps).toEqual([]);
  });

  it('gives a message up after maxReconsumeTimes and goes on', async () => {
    const topic = await cluster.topic(1);
    const group = cluster.group();
    const producer = await cluster.producer();
    const queue = { topic, brokerName: 'broker-a', queueId: 0 };
    for (const body of ['first', 'poison', 'last']) await producer.send({ topic, body }, { queue });
    const inbox = await cluster.consume(topic, {
      group,
      consumeMode: 'ORDERLY',
      maxReconsumeTimes: 2,
      handler: ([message]) => {
        if (message!.body.toString() === 'poison') throw new Error('always');
      },
    });
    const [dead] = await deadLetters(group, 1);
    expect(dead!.body.toString()).toBe('poison');
    await inbox.until(5);
    expect(inbox.bodies).toEqual(['first', 'poison', 'poison', 'poison', 'last']);
  });
});

/** The dead letters of a group, once there are so many. 4.x brokers make the topic write-only. */
async function deadLetters(group: string, count: number): Promise<MessageExt[]> {
  const topic = `%DLQ%${group}`;
  await waitFor(() => cluster.admin.topics.route(topic), { timeoutMs: PATIENCE_MS, what: topic });
  await cluster.admin.topics.create({ topic, queues: 1, perm: 6 });
  const inbox = await cluster.consume(topic);
  return await inbox.until(count);
}
