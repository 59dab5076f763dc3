import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  decodeMessages,
  PropertyName,
  parseTopicConfigSerializeWrapper,
  Requests,
  ResponseCode,
  topicProblem,
} from '@rocketnest/protocol';
import { TestBroker } from './harness.js';

const TOPIC = 'honest';
const texts = ['abc', '-1', '0', '99999999999999999999', '2147483648', 'NaN', '../../hostile', '{"a":[', 'h\u0000'];

/** Topics that clients may write, some of which the broker reads itself. */
const topics = [
  TOPIC,
  'rmq_sys_wheel_timer',
  'rmq_sys_REVIVE_LOG_DefaultCluster',
  '%RETRY%honest-group',
  '%DLQ%honest-group',
  'DefaultCluster_REPLY_TOPIC',
  'broker-a',
  'TBW102',
];

const bodies = ['x', '{"so":"x"}', '[[[', '{"c":"../../hostile","t":"../../hostile","so":-1,"q":99,"bm":2147483648}'];

function* combinations(now: number): Generator<Record<string, string>> {
  for (const name of Object.values(PropertyName)) for (const text of texts) yield { [name]: text };
  for (const name of ['../../hostile', 'SCHEDULE_TOPIC_XXXX', 'rmq_sys_wheel_timer', 'RMQ_SYS_TRANS_HALF_TOPIC', '']) {
    for (const queueId of ['0', '-5', '2147483647', 'x']) {
      const real = { REAL_TOPIC: name, REAL_QID: queueId };
      yield { ...real, DELAY: '1' };
      yield { ...real, TRAN_MSG: 'true', PGROUP: '../../hostile' };
      for (const time of [now - 1, now + 500, now + 86_400_000]) {
        yield { ...real, TIMER_OUT_MS: String(time) };
        yield { ...real, TIMER_DELIVER_MS: String(time) };
        yield { ...real, TIMER_OUT_MS: String(time), TIMER_DEL_UNIQKEY: '../../hostile', TIMER_ROLL_TIMES: 'x' };
      }
    }
  }
  yield Object.fromEntries(Object.values(PropertyName).map((name) => [name, '1']));
}

const text = (properties: Record<string, string>): string =>
  Object.entries(properties)
    .map(([name, value]) => `${name}\u0001${value}`)
    .join('\u0002');

describe('a broker that gets messages with hostile properties', () => {
  let target: TestBroker;
  beforeAll(async () => {
    target = await TestBroker.start({
      messageDelayLevel: '1s 1s 1s',
      longPollingEnable: false,
      shortPollingTimeMills: 50,
    });
  });
  afterAll(() => target.close());

  const send = async (body: string, properties: Record<string, string>): Promise<void> => {
    const response = await target.send('delivered', body, { properties: text(properties), queueId: 0 });
    expect([response.code, response.remark]).toEqual([ResponseCode.SUCCESS, null]);
  };

  it('answers each, and goes on delivering what is delayed, timed and in transactions', async () => {
    const failures: string[] = [];
    const ask = async (topic: string, properties: Record<string, string>, sysFlag: number, body: string) => {
      const what = `${topic} ${sysFlag} ${JSON.stringify(properties)}`.slice(0, 200);
      try {
        const { remark } = await target.send(topic, body, { properties: text(properties), sysFlag, queueId: 0 });
        if (/^(Type|Range|Reference|Syntax)?Error:/.test(remark ?? '')) failures.push(`${what}: ${remark}`);
      } catch (error) {
        failures.push(`${what}: ${String(error)}`);
      }
    };
    let number = 0;
    for (const topic of topics) {
      const waiting: Promise<void>[] = [];
      for (const properties of combinations(Date.now())) {
        waiting.push(ask(topic, properties, 0, bodies[number++ % bodies.length]!));
      }
      for (const sysFlag of [-1, 4, 8, 12, 0x80, 0xc0, 0x700, 2 ** 31 - 1]) waiting.push(ask(topic, {}, sysFlag, 'x'));
      await Promise.all(waiting);
    }
    expect(number).toBeGreaterThan(5_000);
    expect(failures).toEqual([]);

    await send('delayed', { DELAY: '1' });
    await send('timed', { TIMER_DELAY_MS: '1000' });
    const found = new Set<string>();
    const deadline = Date.now() + 20_000;
    for (let queueOffset = 0; found.size < 2 && Date.now() < deadline; ) {
      const pulled = await target.pull('delivered', { queueOffset }, 1_000);
      if (pulled.code !== ResponseCode.SUCCESS) continue;
      for (const { body } of decodeMessages(pulled.body!)) found.add(body.toString());
      queueOffset = Number(pulled.extFields['nextBeginOffset']);
    }
    expect([...found].sort()).toEqual(['delayed', 'timed']);

    const table = parseTopicConfigSerializeWrapper((await target.call(Requests.getAllTopicConfig, {})).body!);
    expect(Object.keys(table.topicConfigTable).filter((name) => topicProblem(name) !== null)).toEqual([]);
    const queues = readdirSync(target.rootDir, { recursive: true }).map(String);
    expect(queues.filter((path) => !/^[%|\w.@/-]+$/.test(path) || path.includes('hostile'))).toEqual([]);
  }, 60_000);

  it('starts again on what is on the disk', async () => {
    await target.restart();
    await send('after', {});
  });
});
