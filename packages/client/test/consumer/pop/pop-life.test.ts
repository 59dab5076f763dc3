import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type MessageExt, popRetryTopic } from '@rocketnest/protocol';
import { bodyOf, range, until } from '../testbed.js';
import { PopBed } from './pop-bed.js';

let bed: PopBed;
beforeAll(async () => {
  bed = await PopBed.start();
}, 30_000);
afterAll(() => bed.close());

describe('a member of a popping group', () => {
  it('keeps a message for itself while its handler runs, longer than the invisible time', async () => {
    const { topic, group } = await bed.popGroup(1);
    let deliveries = 0;
    let finish!: () => void;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const options = { topic, group, popInvisibleTimeMs: 5_000 };
    const handler = () => {
      deliveries++;
      return finished;
    };
    await bed.member(options, handler).start();
    await bed.member({ ...options, instanceName: 'second' }, handler).start();
    await bed.send(topic, 0, ['slow']);
    await until(() => deliveries === 1, 'the handler to run');
    // The broker would have given it to the other member by now.
    await new Promise((resolve) => setTimeout(resolve, 9_000));
    finish();
    await until(async () => (await bed.waiting(group, topic)) === 0, 'the acknowledgement');
    expect(deliveries).toBe(1);
    expect(await bed.stored(popRetryTopic(topic, group, 1))).toEqual([]);
  }, 40_000);

  it('gives what no handler has got to the others when it closes', async () => {
    const { topic, group } = await bed.popGroup(1);
    let release!: () => void;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let taken = 0;
    const first = bed.member({ topic, group, concurrency: 1 }, () => {
      taken++;
      return released;
    });
    await bed.send(topic, 0, range(10));
    await first.start();
    await until(() => taken === 1, 'a handler to run');
    const got: MessageExt[] = [];
    const second = bed.member({ topic, group, instanceName: 'second' }, async (messages) => {
      got.push(...messages);
    });
    const closing = first.close();
    await second.start();
    // Long before the invisible time of 60 s is over.
    await until(() => got.length === 9, 'the messages that waited', 30_000);
    expect(got.every(({ reconsumeTimes }) => reconsumeTimes === 0)).toBe(true);
    release();
    await closing;
    await until(async () => (await bed.waiting(group, topic)) === 0, 'the acknowledgements');
    expect(taken).toBe(1);
    expect(got.map(bodyOf).sort()).toEqual(range(10).slice(1));
  }, 40_000);

  it('gives what waits to the others while it is paused, and pops again afterwards', async () => {
    const { topic, group } = await bed.popGroup(1);
    const got: string[] = [];
    const consumer = bed.member({ topic, group }, async (messages) => {
      got.push(...messages.map(bodyOf));
    });
    await consumer.start();
    consumer.pause();
    await bed.send(topic, 0, ['while paused']);
    const others: string[] = [];
    const other = bed.member({ topic, group, instanceName: 'other' }, async (messages) => {
      others.push(...messages.map(bodyOf));
    });
    await other.start();
    await until(() => others.length === 1, 'the other member to have it', 30_000);
    await other.close();
    consumer.resume();
    await bed.send(topic, 0, ['afterwards']);
    await until(() => got.length === 1, 'the message after the pause');
    expect(got).toEqual(['afterwards']);
  }, 40_000);

  it('shares the messages with the others: each goes to one', async () => {
    const { topic, group } = await bed.popGroup(2);
    const inboxes: string[][] = [[], [], []];
    for (const [index, inbox] of inboxes.entries()) {
      const options = { topic, group, instanceName: `member-${index}`, popBatchNums: 4, concurrency: 2 };
      const member = bed.member(options, async (messages) => {
        inbox.push(...messages.map(bodyOf));
        await new Promise((resolve) => setTimeout(resolve, 5));
      });
      await member.start();
    }
    await bed.send(topic, 0, range(60, 'a'));
    await bed.send(topic, 1, range(60, 'b'));
    await until(() => inboxes.flat().length >= 120, 'all messages');
    expect(inboxes.flat().sort()).toEqual([...range(60, 'a'), ...range(60, 'b')].sort());
    expect(inboxes.every((inbox) => inbox.length > 0)).toBe(true);
  }, 30_000);

  it('follows the share that brokers give when members share queues', async () => {
    const { topic, group } = await bed.popGroup(4);
    await bed.setMode(topic, group, 'POP', 1);
    const got: string[] = [];
    const members = ['a', 'b', 'c'].map((instanceName) =>
      bed.member({ topic, group, instanceName }, async (messages) => {
        got.push(...messages.map(bodyOf));
      }),
    );
    for (const member of members) await member.start();
    await until(
      () => members.every(({ assignment }) => assignment.length > 0 && assignment.every(({ queueId }) => queueId >= 0)),
      'every member to have queues of its own',
    );
    const queues = members.flatMap(({ assignment }) => assignment.map(({ queueId }) => queueId));
    expect([0, 1, 2, 3].every((queueId) => queues.includes(queueId))).toBe(true);
    for (const queueId of [0, 1, 2, 3]) await bed.send(topic, queueId, [`m${queueId}`]);
    await until(() => got.length === 4, 'all messages');
    expect(got.sort()).toEqual(['m0', 'm1', 'm2', 'm3']);
  }, 30_000);

  it('says which queues it pops, and which no more', async () => {
    const { topic, group } = await bed.popGroup(4);
    const events: string[] = [];
    const consumer = bed.member(
      {
        topic,
        group,
        onAssigned: (queue) => events.push(`assigned ${queue.topic} ${queue.queueId}`),
        onRevoked: (queue) => events.push(`revoked ${queue.topic} ${queue.queueId}`),
      },
      async () => {},
    );
    await consumer.start();
    expect(events).toEqual([`assigned ${topic} -1`]);
    const { topic: second } = await bed.popGroup();
    await bed.setMode(second, group, 'POP');
    consumer.subscribe(second);
    await until(() => events.includes(`assigned ${second} -1`), 'the second topic');
    consumer.unsubscribe(topic);
    await until(() => events.includes(`revoked ${topic} -1`), 'the first topic to be given up');
    await consumer.close();
    expect(events).toEqual([
      `assigned ${topic} -1`,
      `assigned ${second} -1`,
      `revoked ${topic} -1`,
      `revoked ${second} -1`,
    ]);
  });

  it('is seen by consoles with the queues that it pops', async () => {
    const { topic, group } = await bed.popGroup(4);
    const consumer = bed.member({ topic, group }, async () => {});
    await consumer.start();
    const info = await consumer.instance.consumer(group)!.runningInfo(false);
    expect(info.mqPopTable).toMatchObject([{ queue: { topic, queueId: -1 }, waitAckCount: 0, droped: false }]);
    expect(info.mqTable.some(({ queue }) => queue.topic === topic)).toBe(false);
    expect(consumer.report().popQueues).toMatchObject([{ topic, queueId: -1, cachedMessages: 0 }]);
  });
});

describe('where a new group begins to pop', () => {
  it.each([
    ['at messages sent from now on', () => 'LAST_OFFSET' as const, ['new']],
    ['at the oldest message', () => 'FIRST_OFFSET' as const, ['old', 'new']],
    ['at a time', (between: Date) => between, ['new']],
  ])('%s', async (_, consumeFrom, expected) => {
    const { topic, group } = await bed.popGroup(1);
    await bed.send(topic, 0, ['old']);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const between = new Date();
    const date = consumeFrom(between);
    if (date instanceof Date) await bed.send(topic, 0, ['new']);
    const got: string[] = [];
    const consumer = bed.member({ topic, group, consumeFrom: date }, async (messages) => {
      got.push(...messages.map(bodyOf));
    });
    await consumer.start();
    if (!(date instanceof Date)) {
      await until(async () => (await bed.committed(group, topic, 0)) !== null, 'the group to have a place');
      await bed.send(topic, 0, ['new']);
    }
    await until(() => got.includes('new'), 'the new message');
    expect(got).toEqual(expected);
  });
});

describe('a group whose mode changes while it runs', () => {
  it('goes from pulling to popping and back, without losing a message', async () => {
    const { topic, group } = await bed.popGroup(2);
    await bed.setMode(topic, group, 'PULL');
    const got = new Map<string, number>();
    const consumer = bed.member({ topic, group }, async (messages) => {
      for (const message of messages) got.set(bodyOf(message), (got.get(bodyOf(message)) ?? 0) + 1);
    });
    await consumer.start();
    const modeIs = (pops: boolean) => () => {
      const own = consumer.assignment.filter((queue) => queue.topic === topic);
      return own.length > 0 && own.every(({ queueId }) => queueId === -1) === pops;
    };
    await until(modeIs(false), 'the group to pull');
    const all: string[] = [];
    let round = 0;
    const send = async () => {
      const bodies = range(20, `round${round++}-`);
      all.push(...bodies);
      await bed.send(topic, round % 2, bodies);
    };
    await send();
    for (const mode of ['POP', 'PULL', 'POP'] as const) {
      await bed.setMode(topic, group, mode);
      await send();
      await until(modeIs(mode === 'POP'), `the group to ${mode}`);
      await send();
    }
    await until(() => all.every((body) => got.has(body)), 'all messages', 30_000);
    expect([...got.keys()].sort()).toEqual(all.sort());
  }, 60_000);

  it('pulls what failed before, from the pop retry topic and as of its own topic', async () => {
    const { topic, group } = await bed.popGroup(1);
    const attempts: MessageExt[] = [];
    const failed = bed.member({ topic, group }, ([message]) => {
      attempts.push({ ...message! });
      return { action: 'retry', delayLevel: 1 };
    });
    await failed.start();
    await bed.send(topic, 0, ['again']);
    await until(() => attempts.length === 1, 'the first delivery');
    await failed.close();
    await until(async () => (await bed.stored(popRetryTopic(topic, group, 1))).length === 1, 'the retry', 30_000);
    await bed.setMode(topic, group, 'PULL');
    const pulled = bed.member({ topic, group }, async ([message]) => {
      attempts.push({ ...message! });
    });
    await pulled.start();
    await until(() => attempts.length === 2, 'the second delivery', 30_000);
    expect(attempts.map((message) => [message.topic, message.reconsumeTimes])).toEqual([
      [topic, 0],
      [topic, 1],
    ]);
  }, 60_000);
});
