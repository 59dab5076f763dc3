import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bodyOf, range, Testbed, unique, until } from './testbed.js';

describe('a group that starts at messages sent from now on', () => {
  let bed: Testbed;
  beforeAll(async () => {
    bed = await Testbed.start();
  });
  afterAll(() => bed.close());

  it('loses nothing of a topic that only new members subscribe to while old ones are still there', async () => {
    const [known, added] = [await bed.topic(4), await bed.topic(4)];
    const group = unique('group');
    const options = { group, consumeFrom: 'LAST_OFFSET' } as const;
    for (const queueId of [0, 1, 2, 3]) await bed.send(added, queueId, range(2, `before ${queueId} `));
    const old = bed.consumer({ topic: known, ...options }, () => {});
    await old.start();
    const seen: string[] = [];
    const fresh = bed.consumer({ topic: known, ...options }, ([message]) => void seen.push(bodyOf(message!)));
    fresh.subscribe(added);
    await fresh.start();
    const mine = () => fresh.assignment.filter((queue) => queue.topic === added).length;
    await until(() => mine() === 2, 'half of the new topic is read');
    for (const queueId of [0, 1, 2, 3]) await bed.send(added, queueId, range(3, `sent ${queueId} `));
    await until(() => seen.length === 6, 'that half is consumed');
    await old.close();
    await until(() => seen.length === 12, 'the other half is consumed');
    expect(seen.sort()).toEqual([0, 1, 2, 3].flatMap((queueId) => range(3, `sent ${queueId} `)));
  });

  it('lets a later subscription begin with messages sent after it', async () => {
    const [known, added] = [await bed.topic(1), await bed.topic(1)];
    const seen: string[] = [];
    const consumer = bed.consumer({ topic: known, consumeFrom: 'LAST_OFFSET' }, ([message]) => {
      seen.push(bodyOf(message!));
    });
    await consumer.start();
    await bed.send(added, 0, ['before']);
    consumer.subscribe(added);
    await until(() => consumer.assignment.some((queue) => queue.topic === added), 'the new topic is assigned');
    await bed.send(added, 0, ['after']);
    await until(() => seen.length > 0, 'a message is consumed');
    expect(seen).toEqual(['after']);
  });
});
