import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LocalOffsetStore } from '../../src/consumer/offset-store-local.js';
import { queueKey } from '../../src/message-queue.js';
import { LogKeeper } from './testbed.js';

/** Written by the Java client 5.5.0. */
const JAVA_FILE = `{
	"offsetTable":{
		{
			"brokerName":"b-a",
			"queueId":0,
			"topic":"T"
		}:3,
		{
			"brokerName":"b-a",
			"queueId":1,
			"topic":"T"
		}:12
	}
}`;

const queue = (queueId: number) => ({ topic: 'T', brokerName: 'b-a', queueId });

describe('LocalOffsetStore', () => {
  let dir: string;
  let logger: LogKeeper;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'rocketnest-offsets-'));
    logger = new LogKeeper();
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  async function open(): Promise<LocalOffsetStore> {
    const store = new LocalOffsetStore(dir, '10.0.0.1@one', 'g', logger);
    await store.load();
    return store;
  }

  const path = () => join(dir, '10.0.0.1@one', 'g', 'offsets.json');

  async function write(name: string, text: string): Promise<void> {
    await mkdir(dirname(path()), { recursive: true });
    await writeFile(join(dirname(path()), name), text);
  }

  it('knows nothing before the first write', async () => {
    const store = await open();
    expect(store.path).toBe(path());
    expect(await store.read(queue(0))).toBeNull();
    expect(store.peek(queueKey(queue(0)))).toBe(-1);
  });

  it('reads what Java wrote and keeps queues that are not its own', async () => {
    await write('offsets.json', JAVA_FILE);
    const store = await open();
    expect(await store.read(queue(1))).toBe(12);
    store.update(queueKey(queue(1)), queue(1), 13, true);
    await store.persist([queueKey(queue(1))]);
    expect(await readFile(path(), 'utf8')).toBe(
      '{"offsetTable":{{"brokerName":"b-a","queueId":0,"topic":"T"}:3,{"brokerName":"b-a","queueId":1,"topic":"T"}:13}}',
    );
    expect(await readFile(`${path()}.bak`, 'utf8')).toBe(JAVA_FILE);
    expect((await readdir(dirname(path()))).sort()).toEqual(['offsets.json', 'offsets.json.bak']);
  });

  it.each([
    ['is missing', undefined],
    ['is damaged', '{"offsetTable":{{"broker'],
  ])('falls back to the backup when the file %s', async (_, text) => {
    await write('offsets.json.bak', JAVA_FILE);
    if (text !== undefined) await write('offsets.json', text);
    const store = await open();
    expect(await store.read(queue(0))).toBe(3);
    expect(logger.of('error')).toHaveLength(text === undefined ? 0 : 1);
  });

  it('does not move backwards unless told to, and writes only changes', async () => {
    const store = await open();
    const key = queueKey(queue(0));
    store.update(key, queue(0), 5, true);
    store.update(key, queue(0), 4, true);
    expect(store.peek(key)).toBe(5);
    await store.persist([key]);
    await rm(path());
    await store.persist([key]);
    await expect(readFile(path())).rejects.toThrow(/ENOENT/);
    store.update(key, queue(0), 2, false);
    await store.persist([key]);
    expect(await (await open()).read(queue(0))).toBe(2);
  });

  it('says where it cannot write and goes on', async () => {
    await writeFile(join(dir, '10.0.0.1@one'), 'a file where a directory should be');
    const store = new LocalOffsetStore(dir, '10.0.0.1@one', 'g', logger);
    const key = queueKey(queue(0));
    store.update(key, queue(0), 5, true);
    await store.persist([key]);
    expect(logger.of('error')[0]!.message).toContain(path());
  });
});
