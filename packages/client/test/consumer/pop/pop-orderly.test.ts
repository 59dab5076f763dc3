import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bodyOf, range, until } from '../testbed.js';
import { PopBed } from './pop-bed.js';

let bed: PopBed;
beforeAll(async () => {
  bed = await PopBed.start();
}, 30_000);
afterAll(() => bed.close());

const ordered = { consumeMode: 'ORDERLY', suspendCurrentQueueTimeMs: 100 } as const;

describe('popping in order', () => {
  it('handles the messages of each queue in their order, queues side by side', async () => {
    const { topic, group } = await bed.popGroup(2);
    const got: string[] = [];
    let running = 0;
    let most = 0;
    const consumer = bed.member({ ...ordered, topic, group }, async ([message]) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 2));
      running--;
      got.push(bodyOf(message!));
    });
    await bed.send(topic, 0, range(40, 'a'));
    await bed.send(topic, 1, range(40, 'b'));
    await consumer.start();
    await until(() => got.length >= 80, 'all messages');
    expect(got.filter((body) => body.startsWith('a'))).toEqual(range(40, 'a'));
    expect(got.filter((body) => body.startsWith('b'))).toEqual(range(40, 'b'));
    expect(most).toBe(2);
    await until(async () => (await bed.waiting(group, topic)) === 0, 'the acknowledgements');
  }, 30_000);

  it('lets nothing overtake a failed message, whose deliveries the broker counts', async () => {
    const { topic, group } = await bed.popGroup(1);
    const got: string[] = [];
    const consumer = bed.member({ ...ordered, topic, group }, async ([message]) => {
      got.push(`${bodyOf(message!)} ${message!.reconsumeTimes}`);
      if (bodyOf(message!) === 'm2' && message!.reconsumeTimes < 2) throw new Error('not yet');
    });
    await bed.send(topic, 0, range(6));
    await consumer.start();
    await until(() => got.some((entry) => entry.startsWith('m5')), 'the last message', 30_000);
    const handled = got.map((entry) => entry.split(' ')[0]);
    expect(handled).toEqual(['m0', 'm1', 'm2', 'm2', 'm2', 'm3', 'm4', 'm5']);
    expect(got.filter((entry) => entry.startsWith('m2'))).toEqual(['m2 0', 'm2 1', 'm2 2']);
  }, 40_000);

  it('gives a message up that failed too often, and goes on', async () => {
    const { topic, group } = await bed.popGroup(1);
    const got: string[] = [];
    const consumer = bed.member({ ...ordered, topic, group, maxReconsumeTimes: 1 }, async ([message]) => {
      got.push(bodyOf(message!));
      if (bodyOf(message!) === 'm1') throw new Error('never');
    });
    await bed.send(topic, 0, range(4));
    await consumer.start();
    await until(() => got.includes('m3'), 'the last message', 30_000);
    expect(got).toEqual(['m0', 'm1', 'm1', 'm2', 'm3']);
    await until(async () => (await bed.deadLetters(group)).length === 1, 'the dead letter');
    expect((await bed.deadLetters(group)).map(bodyOf)).toEqual(['m1']);
    await until(async () => (await bed.waiting(group, topic)) === 0, 'the acknowledgements');
  }, 40_000);

  it('keeps the order when another member takes over, and while handlers are slow', async () => {
    const { topic, group } = await bed.popGroup(2);
    const got: string[] = [];
    const handler = async ([message]: { body: Buffer }[]) => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      got.push(message!.body.toString());
    };
    const first = bed.member({ ...ordered, topic, group, popBatchNums: 5 }, handler);
    const second = bed.member({ ...ordered, topic, group, popBatchNums: 5, instanceName: 'second' }, handler);
    await first.start();
    await second.start();
    await bed.send(topic, 0, range(30, 'a'));
    await bed.send(topic, 1, range(30, 'b'));
    await until(() => got.length > 10, 'some messages');
    await first.close();
    await until(() => got.length >= 60, 'all messages', 30_000);
    expect(got.filter((body) => body.startsWith('a'))).toEqual(range(30, 'a'));
    expect(got.filter((body) => body.startsWith('b'))).toEqual(range(30, 'b'));
  }, 40_000);
});
