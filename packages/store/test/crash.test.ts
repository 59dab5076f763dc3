import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { readStored } from '@rocketnest/protocol';
import type { MessageStore, PutResult, StoreLogger } from '../src/index.js';
import { FaultyFiles } from './support/faulty-files.js';
import { PowerLossFiles, randomOf } from './support/power-loss.js';
import {
  bodies,
  closeStores,
  message,
  openStore,
  putAll,
  readQueue,
  removeDirectories,
  temporaryDirectory,
  texts,
  until,
} from './support/store.js';

afterEach(async () => {
  await closeStores();
  removeDirectories();
});

/** A disk that takes copies of the store for the store itself, and the machine for one that was never switched off. */
function sameBoot(identity = 'this boot'): FaultyFiles {
  const files = new FaultyFiles();
  files.identity = identity;
  return files;
}

function copyOf(directory: string): string {
  const copy = temporaryDirectory();
  cpSync(directory, copy, { recursive: true });
  return copy;
}

/** Log offset up to which the checkpoint says that everything is written, -1 when it does not say. */
function writtenUpTo(directory: string): number {
  const bytes = readFileSync(`${directory}/checkpoint`);
  return bytes.readUInt32BE(64) === 0 ? -1 : Number(bytes.readBigInt64BE(72));
}

/** Keeps the reports of recoveries. */
function recordingLogger(): StoreLogger & { scans: { from: number; messages: number }[]; warnings: string[] } {
  const scans: { from: number; messages: number }[] = [];
  const warnings: string[] = [];
  const nothing = (): void => {};
  const info = (text: string, fields?: object): void => {
    if (text === 'commit log recovered') scans.push(fields as { from: number; messages: number });
  };
  return { debug: nothing, info, warn: (text) => void warnings.push(text), error: nothing, scans, warnings };
}

const keyed = (text: string, queueId = 0): ReturnType<typeof message> =>
  message(text, { queueId, properties: { UNIQ_KEY: `U${text}`, KEYS: `k${text}`, TAGS: 'tag' } });

/** Every message is in its queue, in order, once, and found by each of its keys (of every seventh message) exactly once. */
async function expectComplete(
  store: MessageStore,
  expected: readonly string[],
  { queues = 2, everyKey = 7 } = {},
): Promise<void> {
  const found: string[] = [];
  for (let queueId = 0; queueId < queues; queueId++) {
    const messages = await readQueue(store, 'T', queueId);
    expect(messages.map(({ queueOffset }) => queueOffset)).toEqual(messages.map((_, i) => i));
    found.push(...bodies(messages));
  }
  expect(found.sort()).toEqual([...expected].sort());
  for (const text of expected.filter((_, i) => i % everyKey === 0)) {
    for (const key of [`U${text}`, `k${text}`]) {
      const { messages } = await store.queryByKey('T', key, 32, 0, Number.MAX_SAFE_INTEGER);
      const matching = messages.map((stored) => readStored.body(stored, 0).toString()).filter((body) => body === text);
      expect([key, matching]).toEqual([key, [text]]);
    }
  }
}

describe('after the process was killed', () => {
  /** A directory as a kill leaves it: 400 messages of which the flushes knew the first 200, in two queues. */
  async function killed(): Promise<{ directory: string; texts: string[]; known: PutResult }> {
    const directory = temporaryDirectory();
    const store = await openStore(directory, { files: sameBoot(), flushIntervalConsumeQueue: 5 });
    const all = texts(400);
    const first = await putAll(
      store,
      all.slice(0, 200).map((text, i) => keyed(text, i % 2)),
    );
    const known = first.at(-1)!;
    await until(() => writtenUpTo(directory) === known.commitLogOffset, 'a flush of everything');
    const flushed = copyOf(directory);
    await putAll(
      store,
      all.slice(200).map((text, i) => keyed(text, i % 2)),
    );
    // The log has everything, the files of consume queues, index and checkpoint are as the last flush left them.
    rmSync(`${flushed}/commitlog`, { recursive: true });
    cpSync(`${directory}/commitlog`, `${flushed}/commitlog`, { recursive: true });
    return { directory: flushed, texts: all, known };
  }

  it('reads again only what was not yet written, and takes the index over', async () => {
    const { directory, texts: all, known } = await killed();
    const logger = recordingLogger();
    const store = await openStore(directory, { files: sameBoot(), logger });
    expect(logger.scans).toMatchObject([{ from: known.commitLogOffset, messages: 201 }]);
    await expectComplete(store, all);
    // Killed again before anything was flushed.
    const again = recordingLogger();
    const second = await openStore(copyOf(directory), { files: sameBoot(), logger: again });
    expect(again.scans[0]!.messages).toBeLessThanOrEqual(1);
    await expectComplete(second, all);
  });

  it.each([
    ['another boot', () => {}, sameBoot('another boot')],
    ['a copy of the directory', () => {}, new FaultyFiles()],
    ['a damaged checkpoint', (dir: string) => overwrite(`${dir}/checkpoint`, 75, 0xff), sameBoot()],
    ['a short checkpoint', (dir: string) => truncateSync(`${dir}/checkpoint`, 10), sameBoot()],
    ['an empty checkpoint', (dir: string) => truncateSync(`${dir}/checkpoint`, 0), sameBoot()],
    ['no checkpoint', (dir: string) => rmSync(`${dir}/checkpoint`), sameBoot()],
    ['no index', (dir: string) => rmSync(`${dir}/index`, { recursive: true }), sameBoot()],
    ['no newest index file', (dir: string) => rmSync(newest(`${dir}/index`)), sameBoot()],
    ['an index file of zeros', (dir: string) => zero(newest(`${dir}/index`)), sameBoot()],
    ['no consume queues', (dir: string) => rmSync(`${dir}/consumequeue`, { recursive: true }), sameBoot()],
    ['one consume queue missing', (dir: string) => rmSync(`${dir}/consumequeue/T/1`, { recursive: true }), sameBoot()],
    ['one consume queue of zeros', (dir: string) => zero(`${dir}/consumequeue/T/0/00000000000000001600`), sameBoot()],
    ['a consume queue without its newest file', (dir: string) => rmSync(newest(`${dir}/consumequeue/T/0`)), sameBoot()],
  ] as const)('loses nothing with %s', async (_name, damage, files) => {
    const { directory, texts: all } = await killed();
    damage(directory);
    const store = await openStore(directory, { files });
    await expectComplete(store, all);
    const results = await putAll(store, [keyed('next', 0), keyed('after', 1)]);
    expect(results.map(({ queueOffset }) => queueOffset)).toEqual([200, 200]);
  });

  it.each([
    ['from the future', (at: number) => BigInt(Date.now() + 1e9 + at)],
    ['of nothing but zeros', () => 0n],
    ['with negative numbers', () => -1n],
  ])('takes a checkpoint %s, written by Apache, for what it is', async (_name, value) => {
    const { directory, texts: all } = await killed();
    const bytes = readFileSync(`${directory}/checkpoint`);
    for (let at = 0; at < 48; at += 13) bytes.writeBigInt64BE(value(at), at);
    writeFileSync(`${directory}/checkpoint`, bytes);
    for (const lost of ['', 'consumequeue', 'index']) {
      const copy = copyOf(directory);
      if (lost) rmSync(`${copy}/${lost}`, { recursive: true });
      const store = await openStore(copy, { files: sameBoot() });
      // Apache, too, goes on without the entries of an index that was lost.
      await expectComplete(store, all, { everyKey: lost === 'index' ? 0 : 7 });
    }
  });

  it('says which queue made it read the log from further back', async () => {
    const { directory } = await killed();
    renameSync(`${directory}/consumequeue/T/0`, `${directory}/elsewhere`);
    const logger = recordingLogger();
    await openStore(directory, { files: sameBoot(), logger });
    expect(logger.warnings).toContain('a consume queue lacks messages: reading the commit log from further back');
    expect(logger.scans).toMatchObject([{ from: 0, messages: 400 }]);
  });

  it.each([0x00, 0xff, 0x5a])(
    'cuts the last records wherever bytes %i follow',
    async (garbage) => {
      const { directory, texts: all } = await killed();
      const files = sameBoot();
      files.skipSyncs = true;
      const whole = await openStore(copyOf(directory), { files });
      const [entry] = await whole.consumeQueueEntries('T', 1, 198, 1); // The last but two of the log.
      const end = whole.maxCommitLogOffset;
      for (let at = entry!.commitLogOffset; at <= end; at += 13) {
        const torn = copyOf(directory);
        const base = at - (at % (16 * 1024));
        const path = `${torn}/commitlog/${String(base).padStart(20, '0')}`;
        const content = readFileSync(path);
        content.fill(garbage, at - base);
        writeFileSync(path, content);
        const store = await openStore(torn, { files });
        const kept = [...bodies(await readQueue(store, 'T', 0)), ...bodies(await readQueue(store, 'T', 1))];
        // The CRC covers the body: only zeros are noticed in what follows it.
        if (garbage === 0) expect(store.maxCommitLogOffset).toBeLessThanOrEqual(Math.max(at, entry!.commitLogOffset));
        expect(kept.length).toBeGreaterThanOrEqual(397);
        await expectComplete(store, all.slice(0, kept.length), { everyKey: 100 });
        await putAll(store, [keyed('next')]);
        await store.close();
        rmSync(torn, { recursive: true });
      }
    },
    120_000,
  );
});

describe('after a power failure', () => {
  it.each(Array.from({ length: 12 }, (_, i) => [i + 1]))(
    'SYNC_FLUSH has lost nothing that was acknowledged, whatever pages reached the disk (seed %i)',
    async (seed) => {
      const random = randomOf(seed);
      let directory = temporaryDirectory();
      let sent = 0;
      const acknowledged = new Map<string, PutResult>();
      for (let crash = 0; crash < 3; crash++) {
        const files = new PowerLossFiles();
        const store = await openStore(directory, {
          files,
          flushDiskType: 'SYNC_FLUSH',
          flushIntervalConsumeQueue: 2,
          flushConsumeQueueThoroughInterval: random() < 0.5 ? 6 : 60_000,
        });
        await checkAcknowledged(store, acknowledged);
        let inFlight = 0;
        const stopAt = sent + 100 + Math.floor(random() * 300);
        const crashed = new Promise<string>((resolve) => {
          const put = (): void => {
            const text = `m${sent++}`.padEnd(5 + Math.floor(random() * 200), '.');
            inFlight++;
            store.put(keyed(text, sent % 2), (result) => {
              inFlight--;
              if (result.status === 'PUT_OK') acknowledged.set(text, result);
              if (sent < stopAt) put();
              else if (inFlight === 5) {
                const copy = temporaryDirectory();
                rmSync(copy, { recursive: true });
                files.fail(directory, copy, random);
                resolve(copy);
              }
            });
          };
          for (let i = 0; i < 16; i++) put();
        });
        directory = await crashed;
        expect(existsSync(`${directory}/abort`)).toBe(true);
        // What is acknowledged from here on is not part of the copy.
        const known = new Map(acknowledged);
        await store.close();
        acknowledged.clear();
        for (const [text, result] of known) acknowledged.set(text, result);
      }
      const store = await openStore(directory);
      await checkAcknowledged(store, acknowledged);
    },
    60_000,
  );
});

async function checkAcknowledged(store: MessageStore, acknowledged: ReadonlyMap<string, PutResult>): Promise<void> {
  const queues = [await readQueue(store, 'T', 0), await readQueue(store, 'T', 1)];
  for (const messages of queues)
    expect(messages.map(({ queueOffset }) => queueOffset)).toEqual(messages.map((_, i) => i));
  const found = new Map(queues.flat().map((stored) => [stored.body.toString(), stored]));
  const lost = [...acknowledged].filter(([text, { commitLogOffset, queueOffset }]) => {
    const stored = found.get(text);
    return stored?.commitLogOffset !== commitLogOffset || stored.queueOffset !== queueOffset;
  });
  expect(lost).toEqual([]);
  for (const text of [...acknowledged.keys()].filter((_, i) => i % 7 === 0)) {
    const { messages } = await store.queryByKey('T', `U${text}`, 32, 0, Number.MAX_SAFE_INTEGER);
    const matching = messages.filter((stored) => readStored.body(stored, 0).toString() === text);
    expect([text, matching.length]).toEqual([text, 1]);
  }
}

const newest = (directory: string): string => `${directory}/${readdirSync(directory).sort().at(-1)}`;
const zero = (path: string): void => writeFileSync(path, Buffer.alloc(readFileSync(path).length));
function overwrite(path: string, at: number, byte: number): void {
  const bytes = readFileSync(path);
  bytes[at] = byte;
  writeFileSync(path, bytes);
}
