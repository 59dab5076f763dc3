import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeMessage, type MessageExt } from '@rocketnest/protocol';
import { MessageStore, type MessageStoreInput, type PutResult, type StoreMessage } from '../../src/index.js';

export const HOST = { address: '127.0.0.1', port: 10911 };

/** Small files, so that every test crosses their borders. */
export const SMALL = {
  mappedFileSizeCommitLog: 16 * 1024,
  mappedFileSizeConsumeQueue: 20 * 20,
  maxHashSlotNum: 50,
  maxIndexNum: 100,
} as const;

/** A new directory that is removed when the test is over (`using`-free: call `removeDirectories` in afterEach). */
const directories: string[] = [];
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'rocketnest-store-'));
  directories.push(directory);
  return directory;
}
export function removeDirectories(): void {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
}

const stores: MessageStore[] = [];
export async function openStore(rootDir: string, options: Partial<MessageStoreInput> = {}): Promise<MessageStore> {
  const store = new MessageStore({ ...SMALL, ...options, rootDir });
  await store.start();
  stores.push(store);
  return store;
}
export async function closeStores(): Promise<void> {
  for (const store of stores.splice(0)) await store.close();
}

export function message(body: string | Buffer, overrides: Partial<StoreMessage> = {}): StoreMessage {
  return {
    topic: 'T',
    queueId: 0,
    body: Buffer.from(body as string),
    flag: 0,
    properties: {},
    sysFlag: 0,
    bornTimestamp: 1_700_000_000_000,
    bornHost: HOST,
    storeHost: HOST,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    ...overrides,
  };
}

/** Stores messages one after another and insists that each is stored. */
export async function putAll(store: MessageStore, messages: readonly StoreMessage[]): Promise<PutResult[]> {
  const results = await Promise.all(messages.map((one) => store.putAsync(one)));
  for (const result of results) if (result.status !== 'PUT_OK') throw new Error(`put: ${result.status}`);
  return results;
}

export const texts = (count: number, prefix = 'm'): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);

/** Everything in a queue, read with gets until the end. */
export async function readQueue(store: MessageStore, topic = 'T', queueId = 0): Promise<MessageExt[]> {
  const messages: MessageExt[] = [];
  const end = store.maxOffset(topic, queueId);
  for (let offset = store.minOffset(topic, queueId); offset < end; ) {
    const result = await store.get(topic, queueId, offset, 32, 1024 * 1024);
    if (result.status !== 'FOUND') throw new Error(`get at ${offset} of ${topic}-${queueId}: ${result.status}`);
    messages.push(...result.buffers.map((buffer) => decodeMessage(buffer, 0, { checkCrc: true })));
    offset = result.nextBeginOffset;
  }
  return messages;
}

export const bodies = (messages: readonly MessageExt[]): string[] => messages.map(({ body }) => body.toString());

/** Resolves when `condition` holds; rejects after ten seconds, naming `what`. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited 10 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
