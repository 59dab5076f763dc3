import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PushConsumer } from '../../src/consumer/index.js';
import { ClientInstance } from '../../src/instance.js';
import { bodyOf, LogKeeper, range, Testbed, unique, until } from './testbed.js';

/** Timers and sockets of this process, by kind. */
function openHandles(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    if (/Timeout|Immediate|TCP(Socket|Connect)/.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

function gate(): { opened: Promise<void>; open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('life of a PushConsumer', () => {
  let bed: Testbed;
  beforeAll(async () => {
    bed = await Testbed.start();
  });
  afterAll(() => bed.close());

  it.each(['CONCURRENTLY', 'ORDERLY'] as const)(
    'close waits for running handlers and commits them (%s)',
    async (consumeMode) => {
      const topic = await bed.topic(1);
      const group = unique('group');
      await bed.send(topic, 0, range(3));
      const { opened, open } = gate();
      const seen: string[] = [];
      const consumer = bed.consumer({ topic, group, concurrency: 1, consumeMode }, async ([message]) => {
        if (bodyOf(message!) === 'm1') await opened;
        seen.push(bodyOf(message!));
      });
      await consumer.start();
      await until(() => seen.length === 1 && consumer.runningHandlers === 1, 'the second handler runs');
      let closed = false;
      const closing = consumer.close().then(() => {
        closed = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(closed).toBe(false);
      open();
      await closing;
      expect(seen).toEqual(['m0', 'm1']);
      expect(await bed.committedOffset(group, topic, 0)).toBe(2);
    },
  );

  it('gives up waiting at the deadline, names the messages and leaves them to be delivered again', async () => {
    const topic = await bed.topic(1);
    const group = unique('group');
    await bed.send(topic, 0, range(2));
    const logger = new LogKeeper();
    const { opened, open } = gate();
    const ids: string[] = [];
    const consumer = bed.consumer({ topic, group, logger, shutdownTimeoutMs: 100 }, async ([message]) => {
      if (bodyOf(message!) === 'm1') return;
      ids.push(message!.msgId);
      await opened;
    });
    await consumer.start();
    await until(() => ids.length === 1, 'the handler runs');
    await consumer.close();
    const [line] = logger.of('error');
    expect(line!.message).toMatch(/handlers still run after 100 ms/);
    expect(line!.fields).toMatchObject({ group, msgIds: ids });
    open();
    const again: string[] = [];
    const next = bed.consumer({ topic, group }, async ([message]) => {
      again.push(bodyOf(message!));
    });
    await next.start();
    await until(() => again.includes('m0'), 'the message comes again');
    await next.close();
  });

  it.each(['CONCURRENTLY', 'ORDERLY'] as const)('leaves no timer and no socket behind (%s)', async (consumeMode) => {
    const topic = await bed.topic(2);
    await bed.send(topic, 0, range(10));
    const before = openHandles();
    const seen: string[] = [];
    const consumer = bed.consumer({ topic, consumeMode }, async ([message]) => {
      seen.push(bodyOf(message!));
      // A suspended queue or a retry on its way must not keep the process alive either.
      if (bodyOf(message!) === 'm9' && message!.reconsumeTimes === 0) throw new Error('later');
    });
    await consumer.start();
    await until(() => seen.length >= 10, 'all are consumed');
    expect(openHandles()).not.toEqual(before);
    await consumer.close();
    await until(() => {
      const now = openHandles();
      return Object.keys(now).every((kind) => now[kind]! <= (before[kind] ?? 0) + (kind === 'Timeout' ? 1 : 0));
    }, 'what it opened is closed');
  });

  it('can be closed twice, while it starts, and before it starts', async () => {
    const topic = await bed.topic(1);
    const consumer = bed.consumer({ topic }, async () => {});
    const starting = consumer.start();
    await Promise.all([consumer.close(), consumer.close(), starting]);
    expect(consumer.instance.closed).toBe(true);
    await bed.consumer({ topic }, async () => {}).close();
  });

  it('starts no handler while it is paused and goes on where it was', async () => {
    const topic = await bed.topic(1);
    const seen: string[] = [];
    const consumer = bed.consumer({ topic }, async ([message]) => {
      seen.push(bodyOf(message!));
    });
    consumer.pause();
    await consumer.start();
    await bed.send(topic, 0, range(3));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(seen).toEqual([]);
    consumer.resume();
    await until(() => seen.length === 3, 'three messages are consumed');
    consumer.pause();
    await bed.send(topic, 0, ['while paused']);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(seen).toHaveLength(3);
    consumer.resume();
    await until(() => seen.length === 4, 'the fourth message is consumed');
    await consumer.close();
  });

  it('changes its concurrency while it runs', async () => {
    const topic = await bed.topic(1);
    await bed.send(topic, 0, range(10));
    const { opened, open } = gate();
    const consumer = bed.consumer({ topic, concurrency: 2 }, () => opened);
    await consumer.start();
    await until(() => consumer.runningHandlers === 2, 'two handlers run');
    consumer.setConcurrency(5);
    expect(consumer.runningHandlers).toBe(5);
    expect(() => consumer.setConcurrency(0)).toThrow(/from 1 to 1000/);
    open();
    await until(() => consumer.runningHandlers === 0, 'all are consumed');
    await consumer.close();
  });

  it('works on a shared instance, which it does not close, one per group', async () => {
    const topic = await bed.topic(1);
    const group = unique('group');
    const instance = new ClientInstance({ namesrvAddr: bed.namesrvAddr });
    await instance.start();
    const seen: string[] = [];
    const make = () =>
      new PushConsumer({ group, consumeFrom: 'FIRST_OFFSET' }, instance).subscribe(topic).listen(async ([message]) => {
        seen.push(bodyOf(message!));
      });
    const consumer = make();
    await consumer.start();
    await expect(make().start()).rejects.toThrow(/already has a consumer of group/);
    await bed.send(topic, 0, ['m']);
    await until(() => seen.length === 1, 'the first consumer still works');
    await consumer.close();
    expect(instance.closed).toBe(false);
    await instance.close();
  });
});
