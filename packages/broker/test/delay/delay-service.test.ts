import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeMessages, encodeProperties, type MessageExt } from '@rocketnest/protocol';
import { bodies, TestBroker } from '../harness.js';

const delayed = (level: number) => ({
  properties: encodeProperties({ DELAY: String(level), TAGS: 't', UNIQ_KEY: 'U' }),
});

describe('a message with a delay level', () => {
  let target: TestBroker;
  beforeEach(async () => {
    target = await TestBroker.start({ messageDelayLevel: '1s 2s 1h' });
  });
  afterEach(() => target.close());

  /** Waits until the topic's queue 0 has so many messages. */
  const arrivals = async (count: number): Promise<MessageExt[]> => {
    const found: MessageExt[] = [];
    while (found.length < count) {
      const { body } = await target.pull('orders', { queueOffset: found.length }, 10_000);
      if (body !== null) found.push(...decodeMessages(body));
    }
    return found;
  };

  it('arrives in its topic when its time has come, and not before', async () => {
    const sentAt = Date.now();
    await target.send('orders', 'later', delayed(1));
    const [message] = await arrivals(1);
    expect(message?.body.toString()).toBe('later');
    expect(Date.now() - sentAt).toBeGreaterThanOrEqual(1_000);
    expect(message?.storeTimestamp).toBeGreaterThanOrEqual(sentAt + 1_000);
    expect(message?.properties).toMatchObject({ TAGS: 't', REAL_TOPIC: 'orders', REAL_QID: '0', DELAY: '1' });
  });

  it('is not overtaken within its level, and shorter levels overtake longer ones', async () => {
    await target.send('orders', 'two seconds', delayed(2));
    for (const text of ['first', 'second', 'third']) await target.send('orders', text, delayed(1));
    const order = (await arrivals(4)).map((message) => message.body.toString());
    expect(order).toEqual(['first', 'second', 'third', 'two seconds']);
  });

  it('gets the longest level when it asks for one that does not exist', async () => {
    await target.send('orders', 'later', delayed(99));
    const waiting = await target.pull('SCHEDULE_TOPIC_XXXX', { queueId: 2 });
    expect(decodeMessages(waiting.body!)[0]?.properties['DELAY']).toBe('3');
  });

  it('survives a restart: what is due meanwhile arrives once, what was delivered does not come again', async () => {
    await target.send('orders', 'before', delayed(1));
    await arrivals(1);
    await target.send('orders', 'across', delayed(2));
    await target.restart();
    const messages = await arrivals(2);
    await target.send('orders', 'after', delayed(1));
    const all = await arrivals(3);
    expect(all.map((message) => message.body.toString())).toEqual(['before', 'across', 'after']);
    expect(messages[1]?.properties['REAL_TOPIC']).toBe('orders');
  });

  it('is delivered at once when the levels were shortened below what it waits for', async () => {
    await target.send('orders', 'hour', delayed(3));
    await target.restart({ messageDelayLevel: '1s 1s 1s' });
    expect((await arrivals(1))[0]?.body.toString()).toBe('hour');
  });

  it('leaves its progress in delayOffset.json', async () => {
    await target.send('orders', 'later', delayed(1));
    await arrivals(1);
    await target.broker.close();
    const file = JSON.parse(await readFile(join(target.rootDir, 'config', 'delayOffset.json'), 'utf8')) as object;
    expect(file).toMatchObject({ dataVersion: { counter: 0, stateVersion: 0 }, offsetTable: { 1: 1 } });
  });
});

describe('many messages that are due at the same time', () => {
  it('all arrive, in order, however the clock goes on while the broker looks at them', async () => {
    let time = Date.now();
    let calls = 0;
    let ticking = false;
    const now = (): number => {
      if (ticking && ++calls % 15 === 0) time++;
      return time;
    };
    const target = await TestBroker.start({ messageDelayLevel: '1s', clock: { now } });
    try {
      const texts = Array.from({ length: 100 }, (_, i) => `message ${i}`);
      for (const [i, text] of texts.entries()) {
        if (i % 10 === 0) time++;
        await target.send('orders', text, delayed(1));
      }
      time += 985; // The first is due in a few milliseconds, the timer of the level fires when a second has passed.
      ticking = true;
      const found: string[] = [];
      while (found.length < texts.length) {
        const { body } = await target.pull('orders', { queueOffset: found.length }, 1_000);
        found.push(...bodies(body));
      }
      expect(found).toEqual(texts);
    } finally {
      await target.close();
    }
  });
});
