import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createResponse,
  encodeCreateTopicListRequest,
  encodeKVTable,
  parseTopicConfigSerializeWrapper,
  RequestCode,
  type RequestInput,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { RemotingServer } from '@rocketnest/remoting';
import { newTopicConfig } from '../../src/topics.js';
import { TestBroker } from '../harness.js';

describe('many topics', () => {
  let target: TestBroker;
  beforeEach(async () => {
    target = await TestBroker.start();
  });
  afterEach(() => target.close());

  const createAll = (topicConfigList: Parameters<typeof encodeCreateTopicListRequest>[0]['topicConfigList']) =>
    target.call(Requests.updateAndCreateTopicList, {}, encodeCreateTopicListRequest({ topicConfigList }));

  async function list(fields: RequestInput<typeof Requests.getAllTopicConfig> = {}) {
    const { body, extFields } = await target.call(Requests.getAllTopicConfig, fields);
    const { dataVersion, topicConfigTable } = parseTopicConfigSerializeWrapper(body!);
    return { dataVersion, names: Object.keys(topicConfigTable).sort(), total: Number(extFields['totalTopicNum']) };
  }

  it('are created at once, or none of them', async () => {
    const topics = ['a', 'b', 'c'].map((name, index) => newTopicConfig(name, { readQueueNums: index + 1 }));
    expect((await createAll(topics)).code).toBe(ResponseCode.SUCCESS);
    expect((await list()).names).toEqual(expect.arrayContaining(['a', 'b', 'c']));
    const refused = await createAll([newTopicConfig('d'), newTopicConfig('TBW102')]);
    expect(refused).toMatchObject({ code: ResponseCode.INVALID_PARAMETER, remark: expect.stringMatching(/TBW102/) });
    expect((await list()).names).not.toContain('d');
  });

  it('that exist as they are wanted are not changed', async () => {
    await createAll([newTopicConfig('a')]);
    const { dataVersion } = await list();
    await createAll([newTopicConfig('a')]);
    expect((await list()).dataVersion).toEqual(dataVersion);
    await createAll([newTopicConfig('a', { perm: 4 })]);
    expect((await list()).dataVersion.counter).toBe(dataVersion.counter + 1);
  });

  it('are refused in a body that is none', async () => {
    const { code, remark } = await target.call(Requests.updateAndCreateTopicList, {}, Buffer.from('[1,'));
    expect(code).not.toBe(ResponseCode.SUCCESS);
    expect(remark).toMatch(/UPDATE_AND_CREATE_TOPIC_LIST/);
  });

  it('are listed in pages by name', async () => {
    const { names, total, dataVersion } = await list();
    expect(names).toHaveLength(total);
    const version = JSON.stringify(dataVersion);
    expect((await list({ topicSeq: 0, maxTopicNum: 4 })).names).toEqual(names.slice(0, 4));
    expect((await list({ topicSeq: 4, maxTopicNum: 3, dataVersion: version })).names).toEqual(names.slice(4, 7));
    expect((await list({ topicSeq: total - 1, maxTopicNum: 9, dataVersion: version })).names).toEqual(names.slice(-1));
    expect((await list({ topicSeq: total, maxTopicNum: 9, dataVersion: version })).names).toEqual([]);
    // Without the version, or with another one, from the start.
    expect((await list({ topicSeq: 4, maxTopicNum: 2 })).names).toEqual(names.slice(0, 2));
    expect((await list({ topicSeq: 4, maxTopicNum: 2, dataVersion: '{"counter":9}' })).names).toEqual(
      names.slice(0, 2),
    );
    expect((await list({ topicSeq: 4, maxTopicNum: 2, dataVersion: 'nonsense' })).names).toEqual(names.slice(0, 2));
  });

  it('keep what their file says beyond what is known', async () => {
    await createAll([newTopicConfig('a'), newTopicConfig('b')]);
    await target.broker.close();
    const path = join(target.rootDir, 'config', 'topics.json');
    const read = async () => JSON.parse(await readFile(path, 'utf8'));
    const file = await read();
    file.fromTheFuture = { deep: [1] };
    file.topicConfigTable.a.colour = 'red';
    file.topicConfigTable.b.colour = { rgb: 1 };
    await writeFile(path, JSON.stringify(file));
    await target.restart();
    await target.call(Requests.deleteTopicInBroker, { topic: 'a' });
    await createAll([newTopicConfig('b', { perm: 4 })]);
    const written = await read();
    expect(written.fromTheFuture).toEqual({ deep: [1] });
    expect(written.topicConfigTable.b).toMatchObject({ perm: 4, colour: { rgb: 1 } });
    expect(written.topicConfigTable.a).toBeUndefined();
  });

  it('are ordered when a name server has an order configuration for them', async () => {
    await createAll([newTopicConfig('a'), newTopicConfig('b')]);
    const server = new RemotingServer({
      host: '127.0.0.1',
      port: 0,
      defaultProcessor: (request) =>
        createResponse(
          request,
          ResponseCode.SUCCESS,
          null,
          {},
          request.code === RequestCode.REGISTER_BROKER ? encodeKVTable({ table: { a: 'broker-a:4' } }) : null,
        ),
      processors: new Map(),
    });
    await server.start();
    try {
      await target.restart({ namesrvAddr: `127.0.0.1:${server.port}` });
      const ordered = async (topic: string) =>
        JSON.parse((await target.call(Requests.getTopicConfig, { topic })).body!.toString()).order;
      expect(await ordered('a')).toBe(true);
      expect(await ordered('b')).toBe(false);
    } finally {
      await target.broker.close();
      await server.close();
    }
  });
});
