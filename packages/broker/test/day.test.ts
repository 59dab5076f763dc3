import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  createRequest,
  decodeMessages,
  encodeHeartbeat,
  type MessageExt,
  parseBrokerStatsData,
  parseKVTable,
  RequestCode,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { RemotingClient } from '@rocketnest/remoting';
import { TestBroker } from './harness.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** One message is sent per step. */
const STEP = 20 * SECOND;
const PER_HOUR = HOUR / STEP;
const START = new Date(2030, 4, 5, 20, 0, 0).getTime();
const MIDNIGHT = new Date(2030, 4, 6).getTime();
const DELETE_HOUR = 4;
const RESERVED_HOURS = 6;
const FILE_SIZE = 64 * 1024;

/** What happened, and when on the broker's clock. */
const checks: number[] = [];
const silentMembers: { at: number; count: number }[] = [];
const oldestFiles: { at: number; offset: number }[] = [];
const stillOpen: number[] = [];
const mornings: Record<string, string>[] = [];
let statsAfterADay: Record<string, { sum: number; tps: number }>;
const bodies = new Map<string, number>();

/**
 * A day of a broker, 4,500 messages long, on a clock and timers that the test moves: from 20:00 to 21:00 of the next day.
 * Everything happens once, before the tests, which look at what was written down.
 */
describe('a day of a broker', () => {
  let target: TestBroker;
  let silent: RemotingClient;

  const settle = async (turns = 3): Promise<void> => {
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
  };

  /** Files carry the broker's time, not the machine's: what was written in this hour is as old as this hour. */
  const stamped = new Set<string>();
  async function stampFiles(): Promise<void> {
    const directory = join(target.rootDir, 'commitlog');
    const names = (await readdir(directory)).sort();
    const now = Date.now() / 1_000;
    // The newest is made ahead, the one before it is being written.
    const closed = names.slice(0, -2);
    stillOpen.push(Number(names.at(-2)));
    for (const name of names) {
      if (stamped.has(name)) continue;
      await utimes(join(directory, name), now, now);
      if (closed.includes(name)) stamped.add(name);
    }
  }

  async function runtime(): Promise<Record<string, string>> {
    return parseKVTable((await target.call(Requests.getBrokerRuntimeInfo, {})).body!).table as Record<string, string>;
  }

  async function heartbeat(client: RemotingClient, clientID: string, producers: string[]): Promise<void> {
    const body = encodeHeartbeat({
      clientID,
      producerDataSet: producers.map((groupName) => ({ groupName })),
      consumerDataSet: [
        {
          groupName: clientID,
          consumeType: 'CONSUME_PASSIVELY',
          messageModel: 'CLUSTERING',
          consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          subscriptionDataSet: [],
          unitMode: false,
        },
      ],
    });
    await client.request(target.address, createRequest(Requests.heartBeat, {}, body), { timeoutMs: 5_000 });
  }

  beforeAll(async () => {
    jest.useFakeTimers({ now: START, doNotFake: ['nextTick', 'setImmediate', 'clearImmediate', 'queueMicrotask'] });
    target = await TestBroker.start(
      {
        mappedFileSizeCommitLog: FILE_SIZE,
        fileReservedTime: RESERVED_HOURS,
        deleteWhen: String(DELETE_HOUR).padStart(2, '0'),
        serverChannelMaxIdleTimeSeconds: 100_000,
        transactionCheckInterval: MINUTE,
      },
      new Map([[RequestCode.CHECK_TRANSACTION_STATE, () => void checks.push(Date.now())]]),
    );
    silent = new RemotingClient({});
    await heartbeat(silent, 'silent', []);
    const property = (name: string, value: string) => `${name}\u0001${value}\u0002`;
    await target.send('half', 'undecided', {
      producerGroup: 'transactions',
      bornTimestamp: Date.now(),
      properties: property('TRAN_MSG', 'true') + property('PGROUP', 'transactions') + property('UNIQ_KEY', 'u1'),
    });
    await target.send('later', 'two hours', { properties: property('DELAY', '18') });
    await target.send('later', 'seven hours', { properties: property('TIMER_DELAY_SEC', String(7 * 3_600)) });

    let offset = 0;
    for (let now = START; now < START + 25 * HOUR; now += STEP) {
      const inHour = (now - START) % HOUR;
      if (inHour % (2 * STEP) === 0) await heartbeat(target.client, 'alive', ['transactions']);
      if (now < START + 5 * MINUTE) await watchSilentClient();
      await target.send('steady', 'x'.repeat(500), { bornTimestamp: now });
      if (inHour === HOUR - STEP) offset = await pullAll('steady', offset);
      if (inHour === 50 * MINUTE) await stampFiles();
      if (inHour % (5 * MINUTE) === 0) {
        const [oldest] = (await readdir(join(target.rootDir, 'commitlog'))).sort();
        oldestFiles.push({ at: now, offset: Number(oldest) });
      }
      for (const body of await delivered('later')) if (!bodies.has(body)) bodies.set(body, Date.now());
      if (now === MIDNIGHT - STEP || now === MIDNIGHT + MINUTE) mornings.push(await runtime());
      jest.advanceTimersByTime(STEP);
      // Deleting takes several turns for each file.
      await settle(new Date(now).getHours() === DELETE_HOUR ? 30 : 3);
    }
    mornings.push(await runtime());
    statsAfterADay = await steadyStats();
  }, 240_000);

  afterAll(async () => {
    const closing = Promise.all([silent.close(), target.close()]);
    let closed = false;
    void closing.then(() => {
      closed = true;
    });
    while (!closed) {
      jest.advanceTimersByTime(SECOND);
      await settle();
    }
    jest.useRealTimers();
  }, 30_000);

  async function watchSilentClient(): Promise<void> {
    const { code } = await target.call(Requests.getConsumerListByGroup, { consumerGroup: 'silent' });
    silentMembers.push({ at: Date.now() - START, count: code === ResponseCode.SUCCESS ? 1 : 0 });
  }

  async function pullAll(topic: string, from: number): Promise<number> {
    let offset = from;
    for (;;) {
      const { code, body } = await target.pull(topic, { queueOffset: offset });
      if (code !== ResponseCode.SUCCESS) return offset;
      offset += decodeMessages(body!).length;
    }
  }

  async function delivered(topic: string): Promise<string[]> {
    const { code, body } = await target.pull(topic, { queueOffset: 0, consumerGroup: 'watcher' });
    const messages: MessageExt[] = code === ResponseCode.SUCCESS ? decodeMessages(body!) : [];
    return messages.map((message) => message.body.toString());
  }

  async function steadyStats() {
    const view = async (statsName: string, statsKey: string) => {
      const { body } = await target.call(Requests.viewBrokerStatsData, { statsName, statsKey });
      return parseBrokerStatsData(body!);
    };
    const puts = await view('TOPIC_PUT_NUMS', 'steady');
    const gets = await view('GROUP_GET_NUMS', 'steady@consumers');
    return { minute: puts.statsMinute!, hour: puts.statsHour!, day: puts.statsDay!, gets: gets.statsDay! };
  }

  it('counts what the last minute, hour and day brought', () => {
    expect(statsAfterADay['minute']!.sum).toBe(MINUTE / STEP);
    expect(statsAfterADay['hour']!.sum).toBe(PER_HOUR);
    // The send and the sampling that fall on the same moment may go either way.
    expect(Math.abs(statsAfterADay['day']!.sum - 24 * PER_HOUR)).toBeLessThanOrEqual(1);
    expect(statsAfterADay['day']!.tps).toBeCloseTo(SECOND / STEP, 4);
    expect(Math.abs(statsAfterADay['gets']!.sum - 24 * PER_HOUR)).toBeLessThanOrEqual(1);
  });

  it('takes the totals of the day at midnight', () => {
    const [before, after, end] = mornings as [Record<string, string>, Record<string, string>, Record<string, string>];
    const puts = (rows: Record<string, string>) =>
      ['msgPutTotalYesterdayMorning', 'msgPutTotalTodayMorning', 'msgPutTotalTodayNow'].map((row) => Number(rows[row]));
    const untilMidnight = Number(before['msgPutTotalTodayNow']);
    expect(untilMidnight).toBeGreaterThanOrEqual(4 * PER_HOUR);
    expect(puts(before)).toEqual([0, 0, untilMidnight]);
    expect(puts(after)[1]).toBeGreaterThanOrEqual(untilMidnight);
    expect(puts(after)[1]).toBeLessThanOrEqual(untilMidnight + 1);
    expect(puts(after)[0]).toBe(0);
    expect(puts(end).slice(0, 2)).toEqual(puts(after).slice(0, 2));
    expect(puts(end)[2]! - puts(end)[1]!).toBeGreaterThanOrEqual(20 * PER_HOUR);
    expect(end['runtime']).toBe('[ 1 days, 1 hours, 0 minutes, 0 seconds ]');
  });

  it('deletes files in the hour of deleteWhen, those past fileReservedTime', () => {
    const deletions = oldestFiles.filter(({ offset }, index) => index > 0 && offset > oldestFiles[index - 1]!.offset);
    expect(new Set(deletions.map(({ at }) => new Date(at).getHours()))).toEqual(new Set([DELETE_HOUR]));
    // At 4:50, the last time in that hour that a file becomes six hours old, what was closed at 22:50 goes; the rest stays.
    expect(oldestFiles.at(-1)!.offset).toBe(stillOpen[2]);
    expect(stillOpen[2]).toBeGreaterThan(3 * FILE_SIZE);
  });

  it('asks about an undecided transaction every interval, and gives up after transactionCheckMax times', () => {
    expect(checks).toHaveLength(15);
    const pauses = checks.slice(1).map((at, index) => at - checks[index]!);
    for (const pause of pauses) {
      expect(pause).toBeGreaterThanOrEqual(MINUTE - 2 * STEP);
      expect(pause).toBeLessThanOrEqual(MINUTE + 2 * STEP);
    }
    expect(checks[0]! - START).toBeGreaterThanOrEqual(6 * SECOND);
  });

  it('drops a client two minutes after its last heartbeat, not earlier', () => {
    const gone = silentMembers.find(({ count }) => count === 0)!;
    expect(gone.at).toBeGreaterThan(2 * MINUTE);
    expect(gone.at).toBeLessThanOrEqual(2 * MINUTE + 3 * STEP);
  });

  it('delivers what was delayed when it is due, not earlier', () => {
    expect([...bodies.keys()]).toEqual(['two hours', 'seven hours']);
    const [two, seven] = [...bodies.values()].map((at) => at - START);
    expect(two).toBeGreaterThanOrEqual(2 * HOUR);
    expect(two).toBeLessThanOrEqual(2 * HOUR + 5 * STEP);
    expect(seven).toBeGreaterThanOrEqual(7 * HOUR);
    expect(seven).toBeLessThanOrEqual(7 * HOUR + 5 * STEP);
  });
});
