import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Requests } from '@rocketnest/protocol';
import { TestBroker } from '../harness.js';
import { PopClient, texts } from './pop-client.js';

describe('a broker that crashed', () => {
  let target: TestBroker;
  let client: PopClient;
  let copy: string;
  beforeEach(async () => {
    copy = await mkdtemp(join(tmpdir(), 'rocketnest-crashed-'));
    target = await TestBroker.start({ flushConsumerOffsetInterval: 600_000, reviveInterval: 50 });
    client = new PopClient(target);
    for (const text of ['a', 'b', 'c', 'd']) await client.send(text);
  });
  afterEach(async () => {
    await target.close();
    await rm(copy, { recursive: true, force: true });
  });

  /** What a kill -9 at this moment would leave, as the directory of a new broker. */
  const crash = async (): Promise<PopClient> => {
    await cp(target.rootDir, copy, { recursive: true, preserveTimestamps: true });
    await rm(join(copy, 'lock'), { force: true });
    await target.close();
    target = await TestBroker.start({ storePathRootDir: copy, reviveInterval: 50 });
    return new PopClient(target);
  };
  const committed = async (): Promise<number> => {
    const fields = { consumerGroup: 'consumers', topic: 'orders', queueId: 0 };
    return Number((await target.call(Requests.queryConsumerOffset, fields)).extFields['offset'] ?? -1);
  };

  it('knows what was popped after the offsets were saved: it neither comes at once nor, when acknowledged, at all', async () => {
    await client.pop({ maxMsgNums: 1 });
    await target.restart();
    const [b, c] = await client.pop({ maxMsgNums: 2, invisibleTime: 2_000 });
    await client.ack(c!);
    expect(b!.text).toBe('b');
    const after = await crash();
    expect(await committed()).toBe(3);
    expect(texts(await after.pop())).toEqual(['d']);
    expect(texts(await after.take(1))).toEqual(['b']);
  });

  it('does not follow pops that the saved offset does not lead to', async () => {
    await target.restart();
    await client.pop({ maxMsgNums: 3 });
    const reset = { group: 'consumers', topic: 'orders', timestamp: 0, isForce: true, queueId: 0, offset: 1 };
    await target.call(Requests.invokeBrokerToResetOffset, reset);
    await target.restart();
    const after = await crash();
    expect(await committed()).toBe(1);
    expect(texts(await after.pop())).toEqual(['b', 'c', 'd']);
  });
});
