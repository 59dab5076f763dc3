import { describe, expect, it } from '@jest/globals';
import type { MessageExt, PushConsumer, PushConsumerOptions } from '@rocketnest/client';
import { waitFor } from '@rocketnest/testing';
import { type Inbox, only5, PATIENCE_MS, useCluster } from './support/cluster.js';

const cluster = useCluster();

const numbers = (count: number, prefix = 'm'): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

/** A topic with one queue on each broker, and a group that pops it. */
async function popGroup(mode: 'PULL' | 'POP' = 'POP'): Promise<{ topic: string; group: string }> {
  const topic = await cluster.topic(1);
  const group = cluster.group();
  await cluster.admin.groups.create({ groupName: group });
  await cluster.admin.groups.setRequestMode({ topic, group, mode });
  return { topic, group };
}

const member = (
  topic: string,
  options: Partial<PushConsumerOptions>,
  handler?: Parameters<PushConsumer['listen']>[0],
): Promise<Inbox> =>
  cluster.consume(topic, { clientRebalance: false, ...options, ...(handler === undefined ? {} : { handler }) });

/** Queue ids of -1, one per broker: everybody pops everything. */
const pops = ({ consumer }: Inbox, topic: string): boolean => {
  const own = consumer.assignment.filter((queue) => queue.topic === topic);
  return own.length > 0 && own.every(({ queueId }) => queueId === -1);
};

const until = (condition: () => boolean, what: string) => waitFor(condition, { timeoutMs: PATIENCE_MS, what });

async function send(topic: string, bodies: readonly string[], shardingKey?: string): Promise<void> {
  const producer = await cluster.producer();
  for (const body of bodies) await producer.send({ topic, body }, shardingKey === undefined ? {} : { shardingKey });
}

describe('popping', () => {
  only5('gives each message to one member of the group, from both brokers', async () => {
    const { topic, group } = await popGroup();
    const members = [await member(topic, { group }), await member(topic, { group })];
    await until(() => members.every((inbox) => pops(inbox, topic)), 'both members to pop');
    expect(members[0]!.consumer.assignment.filter((queue) => queue.topic === topic)).toEqual([
      { topic, brokerName: 'broker-a', queueId: -1 },
      { topic, brokerName: 'broker-b', queueId: -1 },
    ]);
    await send(topic, numbers(60));
    const all = () => members.flatMap(({ bodies }) => bodies);
    await until(() => all().length >= 60, 'all messages');
    expect(all().sort()).toEqual(numbers(60).sort());
  });

  only5('delivers a failed message again, with the count and the id it had', async () => {
    const { topic, group } = await popGroup();
    const seen: Pick<MessageExt, 'topic' | 'msgId' | 'reconsumeTimes'>[] = [];
    await member(topic, { group }, ([message]) => {
      const { msgId, reconsumeTimes } = message!;
      seen.push({ topic: message!.topic, msgId, reconsumeTimes });
      return reconsumeTimes < 1 ? { action: 'retry', delayLevel: 1 } : undefined;
    });
    await send(topic, ['again']);
    await until(() => seen.length === 2, 'the second delivery');
    expect(seen).toEqual([
      { ...seen[0]!, topic, reconsumeTimes: 0 },
      { ...seen[0]!, topic, reconsumeTimes: 1 },
    ]);
  });

  only5('moves a message whose deliveries are used up to the dead letter queue', async () => {
    const { topic, group } = await popGroup();
    const inbox = await member(topic, { group, maxReconsumeTimes: 1 }, () => ({ action: 'retry', delayLevel: 1 }));
    await send(topic, ['poison']);
    await inbox.until(2);
    const dead = await cluster.consume(`%DLQ%${group}`);
    const [message] = await dead.until(1);
    expect(message!.body.toString()).toBe('poison');
    expect(inbox.messages).toHaveLength(2);
  });

  only5('keeps a message from others while its handler runs, longer than the invisible time', async () => {
    const { topic, group } = await popGroup();
    let deliveries = 0;
    const slow = () => {
      deliveries++;
      return new Promise<void>((resolve) => setTimeout(resolve, 9_000));
    };
    await member(topic, { group, popInvisibleTimeMs: 5_000 }, slow);
    await member(topic, { group, popInvisibleTimeMs: 5_000 }, slow);
    await send(topic, ['slow']);
    await until(() => deliveries > 0, 'the first delivery');
    await new Promise((resolve) => setTimeout(resolve, 14_000));
    expect(deliveries).toBe(1);
  });

  only5('keeps the order of ordered messages, and repeats a failed one before the next', async () => {
    const { topic, group } = await popGroup();
    const inbox = await member(topic, { group, consumeMode: 'ORDERLY' }, ([message]) => {
      if (message!.body.toString() === 'm2' && message!.reconsumeTimes < 1) throw new Error('not yet');
    });
    await until(() => pops(inbox, topic), 'the group to pop');
    await send(topic, numbers(6), 'one key');
    await inbox.until(7);
    expect(inbox.bodies).toEqual(['m0', 'm1', 'm2', 'm2', 'm3', 'm4', 'm5']);
  });

  only5('is begun and ended by the operator while consumers run, and no message is lost', async () => {
    const { topic, group } = await popGroup('PULL');
    const inbox = await member(topic, { group });
    await until(() => inbox.consumer.assignment.length > 0 && !pops(inbox, topic), 'the group to pull');
    const sent: string[] = [];
    const sendSome = async (prefix: string) => {
      sent.push(...numbers(10, prefix));
      await send(topic, numbers(10, prefix));
    };
    await sendSome('pulled');
    for (const mode of ['POP', 'PULL'] as const) {
      await cluster.admin.groups.setRequestMode({ topic, group, mode });
      await sendSome(`until ${mode}`);
      await until(() => pops(inbox, topic) === (mode === 'POP'), `the group to ${mode}`);
      await sendSome(`since ${mode}`);
    }
    await until(() => sent.every((body) => inbox.bodies.includes(body)), 'all messages');
  });

  it('is not needed: a member that lets brokers assign queues consumes wherever they do not', async () => {
    const topic = await cluster.topic(1);
    const inbox = await member(topic, {});
    await send(topic, numbers(10));
    await inbox.until(10);
    expect(inbox.bodies.sort()).toEqual(numbers(10).sort());
    expect(pops(inbox, topic)).toBe(false);
  });
});
