import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  decodeMessages,
  decodeOffsetMsgId,
  encodeProperties,
  MessageSysFlag,
  readStored,
  tagsCodeOf,
} from '@rocketnest/protocol';
import { type GetResult, MessageStore, nodeFiles, type StoreFile, type StoreMessage } from '../src/index.js';
import {
  bodies,
  closeStores,
  HOST,
  message,
  openStore,
  putAll,
  readQueue,
  removeDirectories,
  temporaryDirectory,
  texts,
  until,
} from './support/store.js';
import { forwarding, WrappedFiles } from './support/wrapped-files.js';

afterEach(async () => {
  await closeStores();
  removeDirectories();
});

const isSynchronous = (result: GetResult | Promise<GetResult>): result is GetResult => !(result instanceof Promise);

describe('put', () => {
  it('gives consecutive queue offsets and the place in the log, and the message can be read back', async () => {
    const store = await openStore(temporaryDirectory());
    const [first, second] = await putAll(store, [
      message('one'),
      message('two', { properties: { TAGS: 'A', k: 'ü' } }),
    ]);
    expect([first!.queueOffset, second!.queueOffset]).toEqual([0, 1]);
    expect(first!.commitLogOffset).toBe(0);
    expect(second!.commitLogOffset).toBe(first!.bytes);
    expect(decodeOffsetMsgId(second!.msgIds)).toEqual({ host: HOST, commitLogOffset: second!.commitLogOffset });
    const [one, two] = await readQueue(store);
    expect(one!.body.toString()).toBe('one');
    expect(two).toMatchObject({ topic: 'T', queueId: 0, queueOffset: 1, properties: { TAGS: 'A', k: 'ü' } });
  });

  it('calls back in log order, and not before a message is readable', async () => {
    const store = await openStore(temporaryDirectory());
    const order: number[] = [];
    await new Promise<void>((resolve) => {
      for (let i = 0; i < 500; i++) {
        store.put(message(`m${i}`), (result) => {
          expect(store.maxOffset('T', 0)).toBeGreaterThan(result.queueOffset);
          order.push(result.queueOffset);
          if (order.length === 500) resolve();
        });
      }
    });
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('goes on with the other messages when a callback throws', async () => {
    const store = await openStore(temporaryDirectory());
    store.put(message('a'), () => {
      throw new Error('callback');
    });
    const second = await store.putAsync(message('b'));
    expect(second).toMatchObject({ status: 'PUT_OK', queueOffset: 1 });
  });

  it('stores IPv6 hosts and topics longer than 127 bytes', async () => {
    const store = await openStore(temporaryDirectory());
    const topic = 'L'.repeat(200);
    await putAll(store, [
      message('x', { topic, bornHost: { address: '2001:db8::1', port: 1 }, storeHost: { address: '::1', port: 2 } }),
    ]);
    const [read] = await readQueue(store, topic);
    expect(read).toMatchObject({
      topic,
      bornHost: { address: '2001:db8::1', port: 1 },
      storeHost: { address: '::1', port: 2 },
    });
  });

  it.each([
    ['a body above maxMessageSize', message(Buffer.alloc(1001)), 'MESSAGE_ILLEGAL'],
    [
      'properties above 32767 bytes',
      message('x', { properties: { k: 'v'.repeat(40_000) } }),
      'PROPERTIES_SIZE_EXCEEDED',
    ],
    ['an empty batch', message('', { batch: [] }), 'MESSAGE_ILLEGAL'],
    ['a topic that would leave the directory', message('x', { topic: '../x' }), 'MESSAGE_ILLEGAL'],
    ['a property that would break its neighbours', message('x', { properties: { k: 'a\u0002b' } }), 'MESSAGE_ILLEGAL'],
    ['a host that is a name', message('x', { bornHost: { address: 'localhost', port: 1 } }), 'MESSAGE_ILLEGAL'],
    [
      'a batch from a host that is a name',
      message('', {
        bornHost: { address: 'localhost', port: 1 },
        batch: [{ flag: 0, body: Buffer.from('x'), propertiesData: Buffer.alloc(0) }],
      }),
      'MESSAGE_ILLEGAL',
    ],
    ['a negative queue id', message('x', { queueId: -1 }), 'MESSAGE_ILLEGAL'],
    [
      'a transactional batch',
      message('', {
        sysFlag: MessageSysFlag.TRANSACTION_PREPARED,
        batch: [{ flag: 0, body: Buffer.from('x'), propertiesData: Buffer.alloc(0) }],
      }),
      'MESSAGE_ILLEGAL',
    ],
    [
      'a delayed batch',
      message('', {
        properties: { DELAY: '1' },
        batch: [{ flag: 0, body: Buffer.from('x'), propertiesData: Buffer.alloc(0) }],
      }),
      'MESSAGE_ILLEGAL',
    ],
  ])('refuses %s, writes nothing and leaves the store usable', async (_what, bad, status) => {
    const store = await openStore(temporaryDirectory(), { maxMessageSize: 1000 });
    expect(await store.putAsync(bad)).toMatchObject({ status, commitLogOffset: -1, bytes: 0, msgIds: '' });
    expect(store.maxCommitLogOffset).toBe(0);
    expect(await store.putAsync(message('ok'))).toMatchObject({ status: 'PUT_OK', queueOffset: 0, commitLogOffset: 0 });
    expect(bodies(await readQueue(store))).toEqual(['ok']);
  });

  it('refuses a message larger than a commit log file', async () => {
    const store = await openStore(temporaryDirectory());
    expect((await store.putAsync(message(Buffer.alloc(16 * 1024 - 99)))).status).toBe('MESSAGE_ILLEGAL');
    expect((await store.putAsync(message(Buffer.alloc(16 * 1024 - 100)))).status).toBe('PUT_OK');
  });

  it('refuses with OS_PAGE_CACHE_BUSY while too much is unwritten', async () => {
    const store = await openStore(temporaryDirectory(), {
      maxUnwrittenBytes: 64 * 1024,
      mappedFileSizeCommitLog: 1024 * 1024,
    });
    const results = await Promise.all(Array.from({ length: 100 }, () => store.putAsync(message(Buffer.alloc(2000)))));
    const statuses = new Set(results.map(({ status }) => status));
    expect(statuses).toEqual(new Set(['PUT_OK', 'OS_PAGE_CACHE_BUSY']));
    expect((await store.putAsync(message('later'))).status).toBe('PUT_OK');
  });

  it('answers SERVICE_NOT_AVAILABLE before start and after close', async () => {
    const store = new MessageStore({ rootDir: temporaryDirectory() });
    expect((await store.putAsync(message('x'))).status).toBe('SERVICE_NOT_AVAILABLE');
    await store.start();
    await store.close();
    expect((await store.putAsync(message('x'))).status).toBe('SERVICE_NOT_AVAILABLE');
  });
});

describe('client batch', () => {
  const batchOf = (items: string[]): StoreMessage =>
    message('', {
      properties: {},
      batch: items.map((body, i) => ({
        flag: i,
        body: Buffer.from(body),
        propertiesData: Buffer.from(encodeProperties({ TAGS: `tag${i}`, KEYS: `key${i}` })),
      })),
    });

  it('is stored as consecutive messages with one result', async () => {
    const store = await openStore(temporaryDirectory());
    await putAll(store, [message('before')]);
    const [result] = await putAll(store, [batchOf(['a', 'bb', 'ccc'])]);
    expect(result).toMatchObject({ queueOffset: 1, messageCount: 3 });
    const offsets = result!.msgIds.split(',').map((id) => decodeOffsetMsgId(id).commitLogOffset);
    const stored = await readQueue(store);
    expect(bodies(stored)).toEqual(['before', 'a', 'bb', 'ccc']);
    expect(stored.slice(1).map(({ commitLogOffset }) => commitLogOffset)).toEqual(offsets);
    expect(stored[3]).toMatchObject({ flag: 2, properties: { TAGS: 'tag2', KEYS: 'key2' }, queueOffset: 3 });
    const entries = await store.consumeQueueEntries('T', 0, 1, 3);
    expect(entries.map(({ tagsCode }) => tagsCode)).toEqual(['tag0', 'tag1', 'tag2'].map(tagsCodeOf));
    expect((await store.queryByKey('T', 'key1', 10, 0, Date.now() + 1000)).messages).toHaveLength(1);
  });

  it('is never split over the end of a file', async () => {
    const store = await openStore(temporaryDirectory());
    await putAll(store, [message(Buffer.alloc(12 * 1024))]);
    const [result] = await putAll(store, [batchOf(['x'.repeat(2000), 'y'.repeat(2000)])]);
    expect(result!.commitLogOffset).toBe(16 * 1024);
    expect(bodies(await readQueue(store)).map(({ length }) => length)).toEqual([12 * 1024, 2000, 2000]);
  });

  it('is refused when its bodies together exceed maxMessageSize', async () => {
    const store = await openStore(temporaryDirectory(), { maxMessageSize: 1000 });
    expect((await store.putAsync(batchOf(['x'.repeat(600), 'y'.repeat(600)]))).status).toBe('MESSAGE_ILLEGAL');
  });
});

describe('commit log files', () => {
  it('roll over with a blank record, keep their size, and everything is there after a restart', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    await putAll(
      store,
      texts(300).map((text) => message(text.padEnd(400, '.'))),
    );
    await store.close();
    const files = readdirSync(`${directory}/commitlog`).sort();
    expect(files.length).toBeGreaterThan(8);
    files.forEach((name, i) => {
      expect(name).toBe(String(i * 16 * 1024).padStart(20, '0'));
      expect(statSync(`${directory}/commitlog/${name}`).size).toBe(16 * 1024);
    });
    const again = await openStore(directory);
    expect(bodies(await readQueue(again)).map((body) => body.replace(/\.+$/, ''))).toEqual(texts(300));
    const [next] = await putAll(again, [message('next')]);
    expect(next!.queueOffset).toBe(300);
  });
});

describe('get', () => {
  it('is synchronous for fresh messages and reads old ones from the files', async () => {
    const store = await openStore(temporaryDirectory(), {
      commitLogTailBytes: 64 * 1024,
      mappedFileSizeCommitLog: 4 * 1024 * 1024,
    });
    await putAll(
      store,
      texts(3000).map((text) => message(text.padEnd(1000, '.'))),
    );
    expect(isSynchronous(store.get('T', 0, 2999, 10, 100_000))).toBe(true);
    // The consume queue forgets entries of messages that left the tail when it is flushed.
    await until(() => !isSynchronous(store.get('T', 0, 0, 10, 100_000)), 'old entries to leave the memory');
    const old = await store.get('T', 0, 0, 10, 100_000);
    expect(old).toMatchObject({ status: 'FOUND', messageCount: 10, nextBeginOffset: 10 });
    expect(old.buffers.map((buffer) => readStored.queueOffset(buffer, 0))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(bodies(await readQueue(store)).length).toBe(3000);
  });

  it('returns the right bytes to many who read different old messages at once', async () => {
    const [queues, perQueue] = [4, 2_000];
    const directory = temporaryDirectory();
    const options = { commitLogTailBytes: 64 * 1024, mappedFileSizeCommitLog: 5 * 1024 * 1024 };
    const store = await openStore(directory, options);
    // More than the memory for old messages, which therefore has to be used again while others read.
    const body = (text: string): string => text.repeat(800);
    await putAll(
      store,
      Array.from({ length: queues * perQueue }, (_, i) => message(body(`${i}.`), { queueId: i % queues })),
    );
    await store.close();
    const again = await openStore(directory, options);
    const read = async (queueId: number, from: number): Promise<void> => {
      for (let offset = from; offset < from + 200; ) {
        const { pieces, nextBeginOffset } = await again.get('T', queueId, offset, 9, 1024 * 1024);
        await new Promise((resolve) => setImmediate(resolve));
        for (const { queueOffset, body: found } of pieces.flatMap((piece) => decodeMessages(piece))) {
          expect(queueOffset).toBe(offset++);
          expect(found.equals(Buffer.from(body(`${queueOffset * queues + queueId}.`)))).toBe(true);
        }
        expect(offset).toBe(nextBeginOffset);
      }
    };
    await Promise.all(Array.from({ length: 60 }, (_, i) => read(i % queues, (i * 197) % (perQueue - 200))));
  });

  it.each([
    ['an unknown queue', 'Other', 5, { status: 'NO_MESSAGE_IN_QUEUE', nextBeginOffset: 0, minOffset: 0, maxOffset: 0 }],
    ['the end', 'T', 3, { status: 'OFFSET_OVERFLOW_ONE', nextBeginOffset: 3, minOffset: 0, maxOffset: 3 }],
    ['far behind the end', 'T', 9, { status: 'OFFSET_OVERFLOW_BADLY', nextBeginOffset: 3 }],
    ['before the start', 'T', -1, { status: 'OFFSET_TOO_SMALL', nextBeginOffset: 0 }],
  ])('at %s says so', async (_what, topic, offset, expected) => {
    const store = await openStore(temporaryDirectory());
    await putAll(
      store,
      texts(3).map((text) => message(text)),
    );
    expect(await store.get(topic, 0, offset, 32, 1000)).toMatchObject({ ...expected, messageCount: 0, buffers: [] });
  });

  it.each([
    ['maxMessages', { max: 5, bytes: 1e6 }, {}, 5],
    ['maxBytes', { max: 100, bytes: 450 }, {}, 4],
    ['at least one message, whatever maxBytes', { max: 100, bytes: 1 }, {}, 1],
    ['maxTransferCountOnMessageInMemory', { max: 100, bytes: 1e6 }, { maxTransferCountOnMessageInMemory: 7 }, 7],
    ['maxTransferBytesOnMessageInMemory', { max: 100, bytes: 1e6 }, { maxTransferBytesOnMessageInMemory: 299 }, 2],
    [
      'maxTransferCountOnMessageInDisk, for messages far from the end',
      { max: 100, bytes: 1e6 },
      { maxTransferCountOnMessageInDisk: 3, accessMessageInMemoryMaxRatio: 0 },
      3,
    ],
  ])('is limited by %s', async (_what, { max, bytes }, options, expected) => {
    const store = await openStore(temporaryDirectory(), { mappedFileSizeConsumeQueue: 20 * 1000, ...options });
    await putAll(
      store,
      texts(50).map((text) => message(text.padEnd(8, '.'))),
    ); // 100 bytes each
    const result = await store.get('T', 0, 0, max, bytes);
    expect(result).toMatchObject({ status: 'FOUND', messageCount: expected, nextBeginOffset: expected });
  });

  it('ends at the end of a consume queue file, as Apache does', async () => {
    const store = await openStore(temporaryDirectory());
    await putAll(
      store,
      texts(50).map((text) => message(text)),
    );
    expect(await store.get('T', 0, 15, 32, 1e6)).toMatchObject({ messageCount: 5, nextBeginOffset: 20 });
  });

  it('filters by tag hash in the consume queue, then by the message', async () => {
    const store = await openStore(temporaryDirectory(), { mappedFileSizeConsumeQueue: 20 * 1000 });
    await putAll(
      store,
      texts(30).map((text, i) => message(text, { properties: { TAGS: `tag${i % 3}`, n: String(i) } })),
    );
    const wanted = tagsCodeOf('tag1');
    const byTag = await store.get('T', 0, 0, 32, 1e6, { matchesConsumeQueue: (code) => code === wanted });
    expect(byTag).toMatchObject({ status: 'FOUND', messageCount: 10, nextBeginOffset: 30 });
    const seen: string[] = [];
    const both = await store.get('T', 0, 0, 32, 1e6, {
      matchesConsumeQueue: (code) => code === wanted,
      matchesCommitLog: (_message, properties) => {
        seen.push(properties()['n']!);
        return Number(properties()['n']) > 20;
      },
    });
    expect(seen).toEqual(['1', '4', '7', '10', '13', '16', '19', '22', '25', '28']);
    expect(both).toMatchObject({ messageCount: 3, nextBeginOffset: 30 });
    const nothing = await store.get('T', 0, 0, 32, 1e6, { matchesConsumeQueue: () => false });
    expect(nothing).toMatchObject({ status: 'NO_MATCHED_MESSAGE', messageCount: 0, nextBeginOffset: 30 });
  });

  it('finds the few messages of a filter among many others, in memory and on disk, but not beyond the file it is in', async () => {
    const directory = temporaryDirectory();
    const options = { mappedFileSizeConsumeQueue: 20 * 400 };
    const filter = { matchesConsumeQueue: (code: number) => code === tagsCodeOf('rare') };
    const store = await openStore(directory, options);
    await putAll(
      store,
      texts(700).map((text, i) => message(text, { properties: { TAGS: i % 97 === 40 ? 'rare' : 'often' } })),
    );
    for (const reopen of [false, true]) {
      if (reopen) await store.close();
      const opened = reopen ? await openStore(directory, options) : store;
      const found = async (from: number): Promise<number[]> => {
        const { buffers, nextBeginOffset } = await opened.get('T', 0, from, 4, 1e6, filter);
        return [...buffers.map((bytes) => readStored.queueOffset(bytes, 0)), nextBeginOffset];
      };
      expect(await found(1)).toEqual([40, 137, 234, 331, 332]);
      expect(await found(300)).toEqual([331, 400]);
      expect(await found(429)).toEqual([525, 622, 700]);
    }
  });

  it('looks through at most maxFilterMessageSize bytes of consume queue', async () => {
    const store = await openStore(temporaryDirectory(), {
      mappedFileSizeConsumeQueue: 20 * 1000,
      maxFilterMessageSize: 200,
    });
    await putAll(
      store,
      texts(50).map((text) => message(text)),
    );
    const result = await store.get('T', 0, 0, 1, 1e6, { matchesConsumeQueue: () => false });
    expect(result).toMatchObject({ status: 'NO_MATCHED_MESSAGE', nextBeginOffset: 10 });
  });

  it('filters old messages with reads in between, and returns the same as from memory', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory, { mappedFileSizeConsumeQueue: 20 * 1000 });
    await putAll(
      store,
      texts(200).map((text, i) =>
        message(text.padEnd(300, '.'), { properties: { TAGS: `tag${i % 4}`, n: String(i) } }),
      ),
    );
    const filter = {
      matchesConsumeQueue: (code: number) => code === tagsCodeOf('tag2'),
      matchesCommitLog: (_message: Buffer, properties: () => Record<string, string>) =>
        Number(properties()['n']) % 3 === 0,
    };
    const fromMemory = store.get('T', 0, 3, 20, 1e6, filter);
    expect(isSynchronous(fromMemory)).toBe(true);
    await store.close();
    const again = await openStore(directory, { mappedFileSizeConsumeQueue: 20 * 1000 });
    const fromDisk = again.get('T', 0, 3, 20, 1e6, filter);
    expect(isSynchronous(fromDisk)).toBe(false);
    const seen = async (got: typeof fromDisk) => {
      const { pieces, buffers, ...rest } = await got;
      expect(Buffer.concat(pieces).equals(Buffer.concat(buffers))).toBe(true);
      return { ...rest, buffers };
    };
    expect(await seen(fromDisk)).toEqual(await seen(fromMemory));
    expect((await fromDisk).buffers.length).toBe(17);
  });

  it('keeps the messages it has found while it waits for more of the consume queue, and others read old ones', async () => {
    const directory = temporaryDirectory();
    const options = { mappedFileSizeCommitLog: 32 * 1024 * 1024, mappedFileSizeConsumeQueue: 20 * 100_000 };
    const store = await openStore(directory, options);
    const body = (i: number): string => `${i}`.padEnd(200, '.');
    await putAll(
      store,
      Array.from({ length: 2_000 }, (_, i) =>
        message(body(i), { properties: { TAGS: i % 50 === 0 ? 'few' : 'many' } }),
      ),
    );
    // More than the memory for old messages.
    const [large, larges] = [16 * 1024, 640];
    await putAll(
      store,
      Array.from({ length: larges }, () => message('x'.repeat(large), { queueId: 1 })),
    );
    await store.close();

    let beforeQueueIsRead = async (): Promise<void> => {};
    class Files extends WrappedFiles {
      protected override wrap(file: StoreFile): StoreFile {
        if (!file.path.includes(join('consumequeue', 'T', '0'))) return file;
        return {
          ...forwarding(file),
          read: (...args) => void beforeQueueIsRead().then(() => file.read(...args)),
        };
      }
    }
    const again = await openStore(directory, { ...options, files: new Files() });
    const filter = { matchesConsumeQueue: (code: number) => code === tagsCodeOf('few') };
    const offsets: number[] = [];
    let othersRead = 0;
    for (let offset = 0; offset < 1_000; ) {
      const { buffers, nextBeginOffset } = await again.get('T', 0, offset, 9, 1e6, filter);
      for (const buffer of buffers) {
        const found = readStored.queueOffset(buffer, 0);
        expect(decodeMessages(buffer)[0]?.body.toString()).toBe(body(found));
        offsets.push(found);
      }
      offset = nextBeginOffset;
      beforeQueueIsRead = async () => {
        othersRead++;
        for (let at = 0; at < larges; ) at = (await again.get('T', 1, at, 32, 1e6)).nextBeginOffset;
      };
    }
    expect(othersRead).toBeGreaterThan(0);
    expect(offsets.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, i) => i * 50));
  });

  it('throws when the store is not running', async () => {
    const store = new MessageStore({ rootDir: temporaryDirectory() });
    expect(() => store.get('T', 0, 0, 1, 1)).toThrow(/not running/);
  });
});

describe('special messages', () => {
  it('gives delayed messages their due time as tags code', async () => {
    const store = await openStore(temporaryDirectory(), { messageDelayLevel: '1s 1m 1d' });
    const levels = ['1', '2', '3', '9', '0'];
    const results = await putAll(
      store,
      levels.map((DELAY) => message('x', { topic: 'SCHEDULE_TOPIC_XXXX', properties: { DELAY, TAGS: 'a' } })),
    );
    const entries = await store.consumeQueueEntries('SCHEDULE_TOPIC_XXXX', 0, 0, 10);
    const delays = entries.slice(0, 4).map(({ tagsCode }, i) => tagsCode - results[i]!.storeTimestamp);
    expect(delays).toEqual([1_000, 60_000, 86_400_000, 86_400_000]);
    expect(entries[4]!.tagsCode).toBe(tagsCodeOf('a'));
  });

  it('keeps half messages and rollback marks out of the consume queue, but in the log', async () => {
    const store = await openStore(temporaryDirectory());
    const { TRANSACTION_PREPARED, TRANSACTION_COMMIT, TRANSACTION_ROLLBACK } = MessageSysFlag;
    const arrived: number[] = [];
    store.onMessageArrived = (_topic, _queueId, maxOffset) => arrived.push(maxOffset);
    const results = await putAll(store, [
      message('half', { sysFlag: TRANSACTION_PREPARED }),
      message('commit', { sysFlag: TRANSACTION_COMMIT }),
      message('rollback', { sysFlag: TRANSACTION_ROLLBACK }),
      message('plain'),
    ]);
    expect(bodies(await readQueue(store))).toEqual(['commit', 'plain']);
    expect(results.map(({ queueOffset }) => queueOffset)).toEqual([0, 0, 0, 1]);
    expect(arrived).toEqual([1, 2]);
    const half = await store.messageAt(results[0]!.commitLogOffset);
    expect(readStored.body(half!, 0).toString()).toBe('half');
  });

  it('announces every message once it is readable', async () => {
    const store = await openStore(temporaryDirectory());
    const arrived: unknown[] = [];
    store.onMessageArrived = (topic, queueId, maxOffset, tagsCode, storeTimestamp, properties) =>
      arrived.push([topic, queueId, maxOffset, tagsCode, storeTimestamp, properties()]);
    const [result] = await putAll(store, [message('x', { queueId: 3, properties: { TAGS: 'a' } })]);
    expect(arrived).toEqual([['T', 3, 1, tagsCodeOf('a'), result!.storeTimestamp, { TAGS: 'a' }]]);
  });
});

describe('single messages', () => {
  it('are found by their place in the log only', async () => {
    const store = await openStore(temporaryDirectory());
    const [, second] = await putAll(store, [message('a'), message('b')]);
    const stored = await store.messageAt(second!.commitLogOffset);
    expect(readStored.body(stored!, 0).toString()).toBe('b');
    for (const offset of [-1, 1, second!.commitLogOffset + 1, store.maxCommitLogOffset, 1e12, Number.NaN]) {
      expect(await store.messageAt(offset)).toBeNull();
    }
  });
});

describe('topics', () => {
  it('can be deleted, which removes their files and starts them again at 0', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    await putAll(store, [...texts(30).map((text) => message(text)), message('keep', { topic: 'Other' })]);
    await until(() => readdirSync(`${directory}/consumequeue`).length === 2, 'consume queue files');
    expect(await store.deleteTopics(['T', 'Unknown'])).toBe(1);
    expect(readdirSync(`${directory}/consumequeue`)).toEqual(['Other']);
    expect([...store.queues()]).toEqual([{ topic: 'Other', queueId: 0 }]);
    expect((await store.putAsync(message('new'))).queueOffset).toBe(0);
    expect(bodies(await readQueue(store))).toEqual(['new']);
  });
});

describe('start', () => {
  it('refuses a directory that is open, and takes it after close', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    await expect(openStore(directory)).rejects.toThrow(/in use by process/);
    await store.close();
    await openStore(directory);
  });

  it('can be called once per object', async () => {
    const store = await openStore(temporaryDirectory());
    await expect(store.start()).rejects.toThrow(/once/);
  });

  it('names the file when the store was written with another segment size', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    // The first segment is made ahead of the first message; only an acknowledged message says it is there.
    await store.putAsync(message('one'));
    await store.close();
    await expect(openStore(directory, { mappedFileSizeCommitLog: 8192 })).rejects.toThrow(
      /00000000000000000000 has 16384 bytes, expected 8192/,
    );
    await openStore(directory);
  });

  it('reports a missing commit log file', async () => {
    const directory = temporaryDirectory();
    mkdirSync(`${directory}/commitlog`);
    for (const base of [0, 2 * 16384]) {
      const file = nodeFiles.openSync(`${directory}/commitlog/${String(base).padStart(20, '0')}`, 'create');
      file.truncateSync(16384);
      file.close();
    }
    await expect(openStore(directory)).rejects.toThrow(/00000000000000016384 is missing/);
  });

  it('close is idempotent, and the abort file is there only in between', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    expect(readdirSync(directory)).toContain('abort');
    await Promise.all([store.close(), store.close()]);
    await store.close();
    expect(readdirSync(directory)).not.toContain('abort');
  });
});

describe('storePathCommitLog', () => {
  it('puts the commit log on a disk of its own, where the next start finds it', async () => {
    const directory = temporaryDirectory();
    const storePathCommitLog = `${temporaryDirectory()}/log`;
    const store = await openStore(directory, { storePathCommitLog });
    await putAll(store, [message('a')]);
    await store.close();
    expect(existsSync(`${directory}/commitlog`)).toBe(false);
    expect(readdirSync(storePathCommitLog)).toEqual(['00000000000000000000']);
    expect(bodies(await readQueue(await openStore(directory, { storePathCommitLog })))).toEqual(['a']);
  });
});

describe('autoMessageVersionOnTopicLen', () => {
  it('false: refuses messages that need version 2', async () => {
    const store = await openStore(temporaryDirectory(), { autoMessageVersionOnTopicLen: false });
    const results = await Promise.all([127, 128].map((n) => store.putAsync(message('x', { topic: 'T'.repeat(n) }))));
    expect(results.map(({ status }) => status)).toEqual(['PUT_OK', 'MESSAGE_ILLEGAL']);
  });
});
