import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createRequest,
  parseBrokerStatsData,
  parseHARuntimeInfo,
  parseKVTable,
  RequestCode,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { Broker, unsupportedRequests } from '../../src/index.js';
import { TestBroker } from '../harness.js';

describe('the state of a broker', () => {
  let target: TestBroker;

  beforeEach(async () => {
    target = await TestBroker.start();
  });
  afterEach(() => target.close());

  const runtime = async () => parseKVTable((await target.call(Requests.getBrokerRuntimeInfo, {})).body!).table;

  it('says what it did and how full it is', async () => {
    await target.send('orders', 'a');
    await target.send('orders', 'b');
    await target.send('orders', 'later', { properties: 'DELAY\u00013\u0002' });
    await target.pull('orders');
    const info = await runtime();
    expect(info).toMatchObject({
      brokerActive: 'true',
      brokerVersionDesc: 'V5_5_0',
      putMessageTimesTotal: '3',
      putMessageFailedTimes: '0',
      msgPutTotalTodayNow: '2',
      msgGetTotalTodayNow: '2',
      msgPutTotalTodayMorning: '0',
      commitLogMinOffset: '0',
      dispatchBehindBytes: '0',
      sendThreadPoolQueueSize: '0',
      sendThreadPoolQueueCapacity: '10000',
    });
    expect(Number(info['commitLogMaxOffset'])).toBe(Number(info['putMessageSizeTotal']));
    expect(info['commitLogDirCapacity']).toMatch(/^Total : [\d.]+ [KMGTPE]iB, Free : [\d.]+ [KMGTPE]iB\.$/);
    expect(info['putMessageDistributeTime']).toMatch(/^\[<=0ms\]:\d+ /);
    expect(info['remainHowManyDataToFlush']).toMatch(/^\d+(\.\d)? ([KM]i)?B$/);
    expect(Number(info['earliestMessageTimeStamp'])).toBeGreaterThan(Date.now() - 60_000);
  });

  it('counts what the store refuses', async () => {
    await target.send('orders', 'x'.repeat(4 * 1024 * 1024 + 1));
    expect((await runtime())['putMessageFailedTimes']).toBe('1');
  });

  it('shows statistics by name and key, and refuses those it does not have', async () => {
    const view = (statsName: string, statsKey: string) =>
      target.call(Requests.viewBrokerStatsData, { statsName, statsKey });
    await target.send('orders', 'a');
    const { code, body } = await view('TOPIC_PUT_NUMS', 'orders');
    expect(code).toBe(ResponseCode.SUCCESS);
    expect(parseBrokerStatsData(body!)).toHaveProperty('statsDay.sum');
    expect(await view('TOPIC_PUT_NUMS', 'nobody')).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'The stats <TOPIC_PUT_NUMS> <nobody> not exist',
    });
  });

  it('is a master without slaves', async () => {
    await target.send('orders', 'a');
    const { body } = await target.call(Requests.getBrokerHaStatus, {});
    const info = parseHARuntimeInfo(body!);
    expect(info).toMatchObject({ master: true, inSyncSlaveNums: 0, haConnectionInfo: [] });
    expect(info.masterCommitLogMaxOffset).toBeGreaterThan(0);
    expect((await target.call(Requests.notifyMinBrokerIdChange, { minBrokerId: 0 })).code).toBe(0);
  });

  it('removes consume queues of topics that are no more, on demand', async () => {
    await target.send('orders', 'a');
    await target.send('gone', 'a');
    const queues = async () => (await readdir(join(target.rootDir, 'consumequeue'))).sort();
    // The topic goes from topics.json, as when somebody edited it while this broker was down.
    await target.broker.close();
    const path = join(target.rootDir, 'config', 'topics.json');
    const topics = JSON.parse(await readFile(path, 'utf8'));
    delete topics.topicConfigTable.gone;
    await writeFile(path, JSON.stringify(topics));
    await target.restart();
    expect(await queues()).toEqual(expect.arrayContaining(['gone', 'orders']));
    expect((await target.call(Requests.cleanUnusedTopic, {})).code).toBe(0);
    expect(await queues()).toContain('orders');
    expect(await queues()).not.toContain('gone');
    expect((await target.call(Requests.cleanExpiredConsumequeue, {})).code).toBe(0);
    expect((await target.call(Requests.deleteExpiredCommitlog, {})).code).toBe(0);
    expect((await target.pull('orders')).code).toBe(0);
  });
});

describe('request codes that are not supported', () => {
  it('are refused with the feature they belong to', async () => {
    const target = await TestBroker.start();
    try {
      for (const { code, why } of unsupportedRequests) {
        const request = { ...createRequest(Requests.getBrokerRuntimeInfo, {}), code };
        expect(await target.request(request)).toMatchObject({
          code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
          remark: ` request type ${code} not supported: it belongs to ${why}`,
        });
      }
      const unknown = { ...createRequest(Requests.getBrokerRuntimeInfo, {}), code: 987_654 };
      expect(await target.request(unknown)).toMatchObject({
        code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
        remark: ' request type 987654 not supported',
      });
    } finally {
      await target.close();
    }
  });

  it('are not answered elsewhere', () => {
    const answered = new Set(new Broker({ storePathRootDir: '/nowhere' }).requestCodes);
    expect(unsupportedRequests.filter(({ code }) => answered.has(code))).toEqual([]);
    expect(unsupportedRequests.map(({ code }) => code)).toContain(RequestCode.AUTH_CREATE_USER);
  });
});
