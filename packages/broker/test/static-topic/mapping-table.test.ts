import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ResponseError } from '@rocketnest/protocol';
import { MappingTable } from '../../src/static-topic/mapping-table.js';
import { mapping, part } from './support.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rocketnest-mapping-'));
});
afterEach(() => rm(directory, { recursive: true }));

const path = () => join(directory, 'topicQueueMapping.json');
const newTable = () => new MappingTable({ clock: { now: () => 5_000 }, brokerName: 'broker-a', path: path() });
const first = mapping('T', 'broker-a', { 0: [part()], 1: [part({ queueId: 1 })] });

describe('MappingTable', () => {
  it('keeps mappings and its version in a file', async () => {
    const table = newTable();
    table.update(first);
    await table.file.save();
    const again = newTable();
    await again.file.load();
    expect(again.get('T')).toEqual(first);
    expect(again.dataVersion).toEqual({ stateVersion: 0, timestamp: 5_000, counter: 1 });
  });

  it("reads Apache's file, whose integer keys have no quotes, and writes its keys", async () => {
    const written =
      '{"dataVersion":{"counter":3,"stateVersion":0,"timestamp":7},"topicQueueMappingInfoMap":{"T":{"bname":"broker-a",' +
      '"currIdMap":{},"dirty":false,"epoch":9,"hostedQueues":{0:[{"bname":"broker-a","endOffset":-1,"gen":0,"logicOffset":0,' +
      '"queueId":2,"startOffset":0,"timeOfEnd":-1,"timeOfStart":-1}]},"scope":"__global__","topic":"T","totalQueues":4}}}';
    await writeFile(path(), written);
    const table = newTable();
    await table.file.load();
    expect(table.get('T')).toEqual(
      mapping('T', 'broker-a', { 0: [part({ queueId: 2 })] }, { epoch: 9, totalQueues: 4 }),
    );
    table.update(first, true);
    await table.file.save();
    const { dataVersion, topicQueueMappingInfoMap } = JSON.parse(await readFile(path(), 'utf8'));
    expect(dataVersion.counter).toBe(4);
    expect(Object.keys(topicQueueMappingInfoMap.T).sort()).toEqual(Object.keys(first).sort());
  });

  it('keeps logic queues that a newer mapping does not name', () => {
    const table = newTable();
    table.update(first);
    table.update(mapping('T', 'broker-a', { 2: [part({ queueId: 2 })] }, { epoch: 2_000, totalQueues: 3 }));
    expect(Object.keys(table.get('T')!.hostedQueues)).toEqual(['0', '1', '2']);
    expect(table.get('T')!.totalQueues).toBe(3);
  });

  it.each([
    ['another broker', mapping('T', 'broker-b', {}), 'is for broker broker-b, this is broker-a'],
    ['an older epoch', { ...first, epoch: 999 }, 'small epoch 999 < 1000'],
    ['another scope', { ...first, scope: 'other' }, 'unmatched scope other != __global__'],
    ['fewer queues in the same epoch', mapping('T', 'broker-a', { 0: [part()] }), 'equal epoch with null data'],
    ['a moved part', mapping('T', 'broker-a', { 0: [part({ queueId: 7 })] }, { epoch: 2_000 }), 'part 0 would change'],
    ['wrong parts', mapping('T', 'broker-a', { 0: [part({ gen: -1 })] }, { epoch: 2_000 }), 'must not be negative'],
  ])('refuses a mapping of %s and keeps the old one', (_, changed, message) => {
    const table = newTable();
    table.update(first);
    expect(() => table.update(changed)).toThrow(ResponseError);
    expect(() => table.update(changed)).toThrow(message);
    expect(table.get('T')).toEqual(first);
  });

  it('takes an older mapping by force', () => {
    const table = newTable();
    table.update(first);
    table.update({ ...first, epoch: 1 }, true);
    expect(table.get('T')!.epoch).toBe(1);
  });
});
