import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PushConsumer } from '../../src/consumer/index.js';
import { bodyOf, LogKeeper, range, Testbed, unique, until } from './testbed.js';

const shareOf = (consumer: PushConsumer, topic: string) =>
  consumer.assignment.filter((queue) => queue.topic === topic).map((queue) => queue.queueId);

describe('a consumer group', () => {
  let bed: Testbed;
  beforeAll(async () => {
    bed = await Testbed.start();
  });
  afterAll(() => bed.close());

  it('shares the queues between two members, and one takes over when the other closes', async () => {
    const topic = await bed.topic(4);
    const group = unique('group');
    const seen: string[] = [];
    const member = () =>
      bed.consumer({ topic, group }, async ([message]) => {
        seen.push(bodyOf(message!));
      });
    const [one, two] = [member(), member()];
    await one.start();
    expect(shareOf(one, topic)).toEqual([0, 1, 2, 3]);
    await two.start();
    await until(() => shareOf(one, topic).length === 2 && shareOf(two, topic).length === 2, 'each has two queues');
    expect([...shareOf(one, topic), ...shareOf(two, topic)].sort()).toEqual([0, 1, 2, 3]);
    for (let queueId = 0; queueId < 4; queueId++) await bed.send(topic, queueId, range(10, `q${queueId}-`));
    await until(() => new Set(seen).size === 40, '40 messages are consumed');
    await two.close();
    await until(() => shareOf(one, topic).length === 4, 'the first takes over', 5_000);
    await bed.send(topic, 3, ['after']);
    await until(() => seen.includes('after'), 'the first consumes all queues');
    await one.close();
  });

  it('does not repeat what was acknowledged when a member leaves', async () => {
    const topic = await bed.topic(4);
    const group = unique('group');
    const seen: string[] = [];
    const member = () =>
      bed.consumer({ topic, group }, async ([message]) => {
        seen.push(bodyOf(message!));
      });
    const [one, two] = [member(), member()];
    await one.start();
    await two.start();
    await until(() => shareOf(one, topic).length === 2 && shareOf(two, topic).length === 2, 'each has two queues');
    for (let queueId = 0; queueId < 4; queueId++) await bed.send(topic, queueId, range(10, `q${queueId}-`));
    await until(() => seen.length === 40, '40 messages are consumed');
    await one.close();
    await until(() => shareOf(two, topic).length === 4, 'the second takes over');
    await bed.send(topic, 0, ['after']);
    await until(() => seen.includes('after'), 'the second consumes');
    expect(seen).toHaveLength(41);
    await two.close();
  });

  it('keeps the position of a new group when another member takes a queue over before anything was consumed', async () => {
    const topic = await bed.topic(1);
    const group = unique('group');
    await bed.send(topic, 0, range(3, 'old'));
    const seen: string[] = [];
    const member = () =>
      bed.consumer({ topic, group, consumeFrom: 'LAST_OFFSET' }, async ([message]) => {
        seen.push(bodyOf(message!));
      });
    const one = member();
    await one.start();
    await one.close();
    await bed.send(topic, 0, ['meanwhile']);
    const two = member();
    await two.start();
    await until(() => seen.length > 0, 'a message is consumed');
    expect(seen).toEqual(['meanwhile']);
    await two.close();
  });

  it('gives every message to each member when it broadcasts', async () => {
    const topic = await bed.topic(2);
    const group = unique('group');
    const localOffsetStoreDir = await bed.tempDir();
    const seen: string[][] = [[], []];
    const members = [0, 1].map((i) =>
      bed.consumer({ topic, group, messageModel: 'BROADCASTING', localOffsetStoreDir }, async ([message]) => {
        seen[i]!.push(bodyOf(message!));
      }),
    );
    for (const member of members) await member.start();
    await bed.send(topic, 0, range(5, 'a'));
    await bed.send(topic, 1, range(5, 'b'));
    await until(() => seen.every((bodies) => bodies.length === 10), 'both have all ten');
    expect(seen[0]!.sort()).toEqual(seen[1]!.sort());
    for (const member of members) await member.close();
  });

  it('keeps broadcast offsets in a file that Java reads too, and resumes from it under the same instance name', async () => {
    const topic = await bed.topic(1);
    const group = unique('group');
    const localOffsetStoreDir = await bed.tempDir();
    const identity = { clientIp: '10.1.2.3', instanceName: unique('instance') };
    const seen: string[] = [];
    const member = () =>
      bed.consumer(
        { topic, group, messageModel: 'BROADCASTING', localOffsetStoreDir, ...identity },
        async ([message]) => {
          seen.push(bodyOf(message!));
        },
      );
    const first = member();
    await first.start();
    await bed.send(topic, 0, range(3));
    await until(() => seen.length === 3, 'three messages are consumed');
    const { brokerName } = first.assignment[0]!;
    await first.close();
    const path = join(localOffsetStoreDir, `10.1.2.3@${identity.instanceName}`, group, 'offsets.json');
    expect(await readFile(path, 'utf8')).toBe(
      `{"offsetTable":{{"brokerName":"${brokerName}","queueId":0,"topic":"${topic}"}:3}}`,
    );
    await bed.send(topic, 0, ['later']);
    const second = member();
    await second.start();
    await until(() => seen.length > 3, 'the later message is consumed');
    expect(seen).toEqual([...range(3), 'later']);
    await second.close();
  });

  it('drops a broadcast message that fails, and says so', async () => {
    const topic = await bed.topic(1);
    const logger = new LogKeeper();
    const seen: string[] = [];
    const options = { topic, logger, messageModel: 'BROADCASTING', localOffsetStoreDir: await bed.tempDir() } as const;
    const consumer = bed.consumer(options, async ([message]) => {
      seen.push(bodyOf(message!));
      if (seen.length === 1) throw new Error('once');
    });
    await consumer.start();
    await bed.send(topic, 0, range(3));
    await until(() => seen.length === 3, 'three deliveries');
    expect(seen).toEqual(range(3));
    expect(logger.of('warn').map((line) => line.message)).toContainEqual(
      expect.stringMatching(/dropped: broadcasting/),
    );
    await consumer.close();
  });
});
