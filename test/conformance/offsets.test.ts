import { describe, expect, it } from '@jest/globals';
import { waitFor } from '@rocketnest/testing';
import { PATIENCE_MS, useCluster } from './support/cluster.js';

const cluster = useCluster();

async function sendAll(topic: string, bodies: readonly string[]): Promise<void> {
  const producer = await cluster.producer();
  for (const body of bodies) await producer.send({ topic, body });
}

/** Messages of a topic that the group has not committed. */
async function lag(group: string, topic: string): Promise<number> {
  const { items, failures } = await cluster.admin.offsets.progress(group, topic);
  expect(failures).toEqual([]);
  return items.reduce((sum, { brokerOffset, consumerOffset }) => sum + brokerOffset - consumerOffset, 0);
}

const consumed = (group: string, topic: string) =>
  waitFor(async () => (await lag(group, topic)) === 0, { timeoutMs: PATIENCE_MS, what: `${group} has committed all` });

describe('a group', () => {
  it('goes on where it stopped, without repeating what it acknowledged', async () => {
    const topic = await cluster.topic();
    const group = cluster.group();
    const first = await cluster.consume(topic, { group });
    await sendAll(topic, ['one', 'two', 'three']);
    await first.until(3);
    await first.consumer.close();

    await sendAll(topic, ['four', 'five']);
    const second = await cluster.consume(topic, { group });
    await second.until(2);
    await consumed(group, topic);
    expect(second.bodies.sort()).toEqual(['five', 'four']);
  });

  it('repeats after a stop what it did not acknowledge', async () => {
    const topic = await cluster.topic(1);
    const group = cluster.group();
    const inbox = await cluster.consume(topic, {
      group,
      shutdownTimeoutMs: 0,
      handler: () => new Promise(() => {}),
    });
    await sendAll(topic, ['never done']);
    await inbox.until(1);
    await inbox.consumer.close();
    const again = await cluster.consume(topic, { group });
    await again.until(1);
    expect(again.bodies).toEqual(['never done']);
  });
});

describe('a new group', () => {
  it('starts with the first message when it says so', async () => {
    const topic = await cluster.topic();
    await sendAll(topic, ['one', 'two']);
    const inbox = await cluster.consume(topic, { consumeFrom: 'FIRST_OFFSET' });
    await inbox.until(2);
    expect(inbox.bodies.sort()).toEqual(['one', 'two']);
  });

  it('starts with messages sent from now on when it says so, also on a young topic', async () => {
    const topic = await cluster.topic(1);
    await sendAll(topic, ['before', 'before', 'before', 'before']);
    const inbox = await cluster.consume(topic, { consumeFrom: 'LAST_OFFSET' });
    await waitFor(() => inbox.consumer.assignment.filter((queue) => queue.topic === topic).length === 2, {
      timeoutMs: PATIENCE_MS,
      what: 'both queues',
    });
    // A queue is read from its end as it is when its pulling begins: what shows that is the committed offset.
    await consumed(inbox.consumer.group, topic);
    await sendAll(topic, ['after', 'after']);
    await inbox.until(2);
    expect(inbox.bodies).toEqual(['after', 'after']);
  });

  it('starts at a time when it says so', async () => {
    const topic = await cluster.topic(1);
    await sendAll(topic, ['before', 'before']);
    await new Promise((resolve) => setTimeout(resolve, 1_500)); // brokers search by ms, but of their own clock
    const since = new Date(Date.now() - 500);
    await sendAll(topic, ['after', 'after']);
    const inbox = await cluster.consume(topic, { consumeFrom: since });
    await inbox.until(2);
    await consumed(inbox.consumer.group, topic);
    expect(inbox.bodies).toEqual(['after', 'after']);
  });
});

describe('a reset', () => {
  it('of a running group brings what was stored since a time again', async () => {
    const topic = await cluster.topic();
    const group = cluster.group();
    const inbox = await cluster.consume(topic, { group });
    await sendAll(topic, ['one', 'two', 'three', 'four']);
    await inbox.until(4);
    await consumed(group, topic);
    const { failures } = await cluster.admin.offsets.reset({ group, topic, to: 'earliest' });
    expect(failures).toEqual([]);
    await inbox.until(8);
    expect(inbox.bodies.sort()).toEqual(['four', 'four', 'one', 'one', 'three', 'three', 'two', 'two']);
  });

  it('of a group that is not running takes effect when it starts', async () => {
    const topic = await cluster.topic();
    const group = cluster.group();
    const first = await cluster.consume(topic, { group });
    await sendAll(topic, ['one', 'two']);
    await first.until(2);
    await first.consumer.close();
    await cluster.admin.offsets.reset({ group, topic, to: 'earliest' });
    const second = await cluster.consume(topic, { group });
    await second.until(2);
    expect(second.bodies.sort()).toEqual(['one', 'two']);
  });
});
