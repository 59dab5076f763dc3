import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { readStored } from '@rocketnest/protocol';
import { compileSources } from './support/sources.js';
import {
  bodies,
  closeStores,
  message,
  openStore,
  putAll,
  readQueue,
  removeDirectories,
  SMALL,
  temporaryDirectory,
} from './support/store.js';

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await closeStores();
  removeDirectories();
});

const QUEUES = 4;

/** Puts as fast as it can, forever, and prints `queueId queueOffset body` of each message as it is acknowledged. */
const program = (index: string, rootDir: string, flushDiskType: string): string => `
  import { writeSync } from 'node:fs';
  import { MessageStore } from ${JSON.stringify(pathToFileURL(index).href)};
  const store = new MessageStore(${JSON.stringify({ ...SMALL, mappedFileSizeCommitLog: 256 * 1024, flushConsumeQueueThoroughInterval: 50, flushIntervalConsumeQueue: 20, rootDir, flushDiskType })});
  await store.start();
  const host = { address: '127.0.0.1', port: 10911 };
  let n = 0;
  const put = () => {
    const queueId = n % ${QUEUES};
    const text = 'm' + n++;
    const body = Buffer.from(text.padEnd(n % 700, '.'));
    store.put({ topic: 'T', queueId, body, flag: 0, properties: { UNIQ_KEY: text, TAGS: 'tag' }, sysFlag: 0, bornTimestamp: Date.now(), bornHost: host,
      storeHost: host, reconsumeTimes: 0, preparedTransactionOffset: 0 }, (result) => {
      if (result.status === 'PUT_OK') writeSync(1, queueId + ' ' + result.queueOffset + ' ' + text + '\\n');
      put();
    });
  };
  for (let i = 0; i < 64; i++) put();
`;

describe.each(['ASYNC_FLUSH', 'SYNC_FLUSH'])('%s: after kill -9 under load', (flushDiskType) => {
  it('everything that was acknowledged is there, three times in a row', async () => {
    const rootDir = temporaryDirectory();
    const index = compileSources(join(process.cwd(), 'packages'), temporaryDirectory());
    const script = join(temporaryDirectory(), 'writer.mjs');
    const acknowledged: { queueId: number; queueOffset: number; text: string }[] = [];
    for (let round = 1; round <= 3; round++) {
      writeFileSync(script, program(index, rootDir, flushDiskType));
      const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
      children.push(child);
      const exited = once(child, 'exit');
      let lines = 0;
      for await (const line of createInterface({ input: child.stdout! })) {
        const [queueId, queueOffset, text] = line.split(' ');
        if (!text) continue; // The kill cut the last line.
        acknowledged.push({ queueId: Number(queueId), queueOffset: Number(queueOffset), text });
        if (++lines === 1500) child.kill('SIGKILL');
      }
      const [, signal] = await exited;
      expect(signal).toBe('SIGKILL');
      expect(lines).toBeGreaterThanOrEqual(1500);
    }
    expect(existsSync(join(rootDir, 'abort'))).toBe(true);
    expect(readFileSync(join(rootDir, 'lock'), 'utf8')).toMatch(/^lock \d+/);

    const store = await openStore(rootDir, { mappedFileSizeCommitLog: 256 * 1024 });
    const stored = await Promise.all(Array.from({ length: QUEUES }, (_, queueId) => readQueue(store, 'T', queueId)));
    stored.forEach((messages, queueId) => {
      expect(messages.map(({ queueOffset }) => queueOffset)).toEqual(messages.map((_, i) => i));
      expect(messages.every((one) => one.queueId === queueId)).toBe(true);
    });
    const texts = stored.map((messages) => bodies(messages).map((body) => body.replace(/\.+$/, '')));
    const missing = acknowledged.filter(({ queueId, queueOffset, text }) => texts[queueId]![queueOffset] !== text);
    expect(missing).toEqual([]);
    // The index was taken over three times: nothing is missing in it, and nothing is there twice.
    for (const { text } of acknowledged.filter((_, i) => i % 40 === 0 || i + 1 === acknowledged.length)) {
      const byKey = await store.queryByKey('T', text, 32, 0, Date.now() + 1000);
      const found = byKey.messages.map((stored) => readStored.body(stored, 0).toString().replace(/\.+$/, ''));
      const times = texts.flat().filter((one) => one === text).length; // Each round counts from 0 again.
      expect([text, found.filter((body) => body === text).length]).toEqual([text, times]);
    }
    expect((await putAll(store, [message('next')]))[0]!.queueOffset).toBe(stored[0]!.length);
  }, 180_000);
});
