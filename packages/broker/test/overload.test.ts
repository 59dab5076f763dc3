import { describe, expect, it } from '@jest/globals';
import { createRequest, decodeMessages, encodeProperties, Requests, ResponseCode } from '@rocketnest/protocol';
import { type Connection, RemotingClient } from '@rocketnest/remoting';
import type { StoreFile } from '@rocketnest/store';
import { forwarding, WrappedFiles } from '../../store/test/support/wrapped-files.js';
import { sendFields, TestBroker } from './harness.js';

const MIB = 1024 * 1024;
const PRODUCERS = 200;
const BODY = Buffer.alloc(4 * 1024, 'x');

/** The real disk, but the commit log takes so many bytes a second only, or none while it is stalled. */
class SlowDisk extends WrappedFiles {
  bytesPerSecond = Number.POSITIVE_INFINITY;
  /** Writes wait here while this is not null. */
  stalled: (() => void)[] | null = null;

  resume(): void {
    const waiting = this.stalled ?? [];
    this.stalled = null;
    for (const write of waiting) write();
  }

  protected override wrap(file: StoreFile): StoreFile {
    if (!file.path.includes('commitlog')) return file;
    return {
      ...forwarding(file),
      write: (buffers, position, done) => {
        const write = (): void => file.write(buffers, position, done);
        const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
        if (this.stalled !== null) this.stalled.push(write);
        else setTimeout(write, (bytes / this.bytesPerSecond) * 1_000);
      },
      writeNow: () => false,
    };
  }
}

const memory = (): number => {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

/** Sends as fast as answers come, `window` at a time, until told to stop. */
async function produce(
  connection: Connection,
  name: string,
  window: number,
  tally: Tally,
  until: () => boolean,
): Promise<void> {
  const one = async (): Promise<void> => {
    while (!until()) {
      const number = tally.sent++;
      const properties = encodeProperties({ KEYS: `${name}-${number}`, UNIQ_KEY: `${name}-${number}` });
      const command = createRequest(
        Requests.sendMessageV2,
        sendFields('orders', { properties, queueId: number % 4 }),
        BODY,
      );
      const { code, remark } = await connection.request(command, { timeoutMs: 30_000 });
      if (code === ResponseCode.SUCCESS) tally.stored.add(`${name}-${number}`);
      else if (code === ResponseCode.SYSTEM_BUSY)
        tally.busy.set(remark!.slice(0, 12), (tally.busy.get(remark!.slice(0, 12)) ?? 0) + 1);
      else throw new Error(`answered ${code} ${remark}`);
      tally.peakBytes = Math.max(tally.peakBytes, memory());
    }
  };
  await Promise.all(Array.from({ length: window }, one));
}

interface Tally {
  sent: number;
  stored: Set<string>;
  /** Refusals by the beginning of their remark. */
  busy: Map<string, number>;
  peakBytes: number;
}

describe('a broker whose disk is slower than its producers', () => {
  it('says that it is busy, keeps its memory, and loses nothing that it accepted', async () => {
    const disk = new SlowDisk();
    const limit = 8 * MIB;
    const target = await TestBroker.start({
      files: disk,
      maxUnwrittenBytes: limit,
      commitLogTailBytes: MIB,
      mappedFileSizeCommitLog: 64 * MIB,
      sendThreadPoolQueueCapacity: 1_500,
      osPageCacheBusyTimeOutMills: 300,
    });
    const clients = Array.from({ length: PRODUCERS }, () => new RemotingClient());
    try {
      expect((await target.send('orders', 'first')).code).toBe(ResponseCode.SUCCESS);
      const connections = await Promise.all(clients.map((client) => client.connection(target.address)));
      disk.bytesPerSecond = 10 * MIB;
      const tally: Tally = { sent: 0, stored: new Set(), busy: new Map(), peakBytes: 0 };
      const before = memory();
      const started = performance.now();
      // A busy machine takes longer until there are too many requests.
      const enough = (): boolean => performance.now() > started + (tally.busy.size === 2 ? 2_000 : 20_000);
      const all = connections.map((connection, i) => produce(connection, `p${i}`, 12, tally, enough));
      setTimeout(() => {
        disk.stalled = [];
        setTimeout(() => disk.resume(), 600);
      }, 1_000);
      await Promise.all(all);

      expect(tally.stored.size).toBeGreaterThan(PRODUCERS);
      expect([...tally.busy.keys()].sort()).toEqual(['[OVERLOAD]sy', '[PCBUSY_CLEA']);
      expect(tally.peakBytes - before).toBeLessThan(limit + 250 * MIB);

      disk.bytesPerSecond = Number.POSITIVE_INFINITY;
      expect((await target.send('orders', 'last')).code).toBe(ResponseCode.SUCCESS);
      const found = new Set<string>();
      for (let queueId = 0; queueId < 4; queueId++) {
        for (let queueOffset = 0; ; ) {
          const pulled = await target.pull('orders', { queueId, queueOffset });
          if (pulled.code !== ResponseCode.SUCCESS) break;
          for (const { properties } of decodeMessages(pulled.body!)) found.add(properties['UNIQ_KEY']!);
          queueOffset = Number(pulled.extFields['nextBeginOffset']);
        }
      }
      expect([...tally.stored].filter((id) => !found.has(id))).toEqual([]);
    } finally {
      await Promise.all(clients.map((client) => client.close()));
      await target.close();
    }
  }, 60_000);
});
