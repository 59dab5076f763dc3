import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeMessages, encodeProperties, type MessageExt, Requests, ResponseCode } from '@rocketnest/protocol';
import { TestBroker } from '../harness.js';

const timed = (properties: Record<string, string | number>) => ({
  properties: encodeProperties({
    UNIQ_KEY: 'U',
    ...Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, String(value)])),
  }),
});

describe('a message with a time of its own', () => {
  let target: TestBroker;
  beforeEach(async () => {
    target = await TestBroker.start({ recallMessageEnable: true, mappedFileSizeTimerLog: 64 * 1024 });
  });
  afterEach(() => target.close());

  /** Waits until the topic's queue 0 has so many messages. */
  const arrivals = async (count: number, topic = 'orders'): Promise<MessageExt[]> => {
    const found: MessageExt[] = [];
    while (found.length < count) {
      const { body } = await target.pull(topic, { queueOffset: found.length }, 10_000);
      if (body !== null) found.push(...decodeMessages(body));
    }
    return found;
  };
  const isEmpty = async (topic = 'orders'): Promise<boolean> => {
    const { extFields } = await target.call(Requests.getMaxOffset, { topic, queueId: 0 });
    return extFields['offset'] === '0';
  };

  it('arrives at its millisecond: not before, and a few milliseconds after', async () => {
    // Early in its slot, which is a second wide: at the end of the slot it would be much too late.
    const due = Math.ceil(Date.now() / 1_000) * 1_000 + 1_020;
    await target.send('orders', 'later', timed({ TIMER_DELIVER_MS: due, TAGS: 't' }));
    const [message] = await arrivals(1);
    expect(message?.body.toString()).toBe('later');
    expect(message?.storeTimestamp).toBeGreaterThanOrEqual(due);
    expect(message?.storeTimestamp).toBeLessThan(due + 900);
    const slot = String(Math.ceil(due / 1_000) * 1_000 - 1_000);
    expect(message?.properties).toMatchObject({
      TAGS: 't',
      REAL_TOPIC: 'orders',
      REAL_QID: '0',
      TIMER_OUT_MS: slot,
      TIMER_DELIVER_MS: String(due),
    });
    expect(Number(message?.properties['TIMER_ENQUEUE_MS']) % 1_000).toBe(0);
    expect(Number(message?.properties['TIMER_DEQUEUE_MS'])).toBeGreaterThanOrEqual(due);
  });

  it.each([
    ['TIMER_DELAY_MS', 1_300, 1_300],
    ['TIMER_DELAY_SEC', 1, 1_000],
  ])('may say how long: %s', async (name, value, delayMs) => {
    const before = Date.now();
    await target.send('orders', 'later', timed({ [name]: value }));
    const answered = Date.now();
    const [message] = await arrivals(1);
    expect(message?.storeTimestamp).toBeGreaterThanOrEqual(before + delayMs);
    expect(message?.storeTimestamp).toBeLessThan(answered + delayMs + 900);
  });

  it('goes to its topic at once when its time is over', async () => {
    await target.send('orders', 'now', timed({ TIMER_DELIVER_MS: Date.now() - 1 }));
    const [message] = await arrivals(1);
    expect(message?.properties).not.toHaveProperty('TIMER_OUT_MS');
  });

  it('is delivered by its delay level when it has both', async () => {
    await target.send('orders', 'level', timed({ TIMER_DELAY_SEC: 3_600, DELAY: 1 }));
    const [message] = await arrivals(1);
    expect(message?.properties).toMatchObject({ DELAY: '1' });
    expect(message?.properties).not.toHaveProperty('TIMER_DELAY_SEC');
  });

  it('is delivered in the order of its time, whatever order it was sent in', async () => {
    const from = Date.now() + 1_000;
    const delays = [900, 300, 1_200, 600];
    for (const delay of delays) {
      await target.send('orders', String(delay), timed({ TIMER_DELIVER_MS: from + delay }));
    }
    expect((await arrivals(4)).map(({ body }) => body.toString())).toEqual(['300', '600', '900', '1200']);
  });

  it.each([
    ['a time that is no number', { TIMER_DELIVER_MS: 'soon' }],
    ['a delay beyond timerMaxDelaySec', { TIMER_DELAY_SEC: 3 * 24 * 3600 + 1 }],
    ['a recall of what is past', { TIMER_DELIVER_MS: 1, TIMER_DEL_UNIQKEY: 'U' }],
  ])('is refused as illegal: %s', async (_what, properties) => {
    const response = await target.send('orders', 'x', timed(properties));
    expect(response.code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    expect(response.remark).toContain('the delay time should not be bigger than the max delay 259200000ms');
  });

  it('is refused when its second is full', async () => {
    await target.restart({ timerCongestNumEachSlot: 1 });
    const due = Date.now() + 3_600_000;
    const codes = [];
    for (let i = 0; i < 4; i++) {
      const { code, remark } = await target.send('orders', 'x', timed({ TIMER_DELIVER_MS: due }));
      codes.push(code === ResponseCode.SUCCESS ? code : remark);
      await new Promise(setImmediate);
    }
    expect(codes.at(-1)).toMatch(/under flow control, max num limit is 2/);
  });

  it('is refused when timers are switched off', async () => {
    await target.restart({ timerWheelEnable: false });
    const response = await target.send('orders', 'x', timed({ TIMER_DELAY_SEC: 1 }));
    expect(response).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'accurate timer message is not enabled, timerWheelEnable is false',
    });
    expect((await target.call(Requests.getTimerMetrics, {})).code).toBe(ResponseCode.SYSTEM_ERROR);
  });

  it('survives a restart in the middle of its second: delivered once, none lost', async () => {
    const start = Math.ceil(Date.now() / 1_000) * 1_000;
    for (const delay of [300, 950, 1_500]) {
      await target.send('orders', String(delay), timed({ TIMER_DELIVER_MS: start + delay, UNIQ_KEY: `U${delay}` }));
    }
    await arrivals(1);
    await target.restart();
    await arrivals(3);
    await target.send('orders', 'end', timed({}));
    const bodies = (await arrivals(4)).map(({ body }) => body.toString());
    expect(bodies).toEqual(['300', '950', '1500', 'end']);
  });

  it('is a different message after the restart when it was sent within the same second', async () => {
    const due = Date.now() + 40;
    await target.send('orders', 'before', timed({ TIMER_DELIVER_MS: due }));
    await arrivals(1);
    await target.restart();
    await target.send('orders', 'after', timed({ TIMER_DELIVER_MS: Date.now() + 60, UNIQ_KEY: 'V' }));
    expect((await arrivals(2)).map(({ body }) => body.toString())).toEqual(['before', 'after']);
  });

  it('leaves the files of Apache behind', async () => {
    await target.send('orders', 'hour', timed({ TIMER_DELAY_SEC: 3_600 }));
    const metrics = async () => JSON.parse((await target.call(Requests.getTimerMetrics, {})).body!.toString());
    expect(await metrics()).toMatchObject({ timingCount: { orders: { count: 1 } } });
    await target.broker.close();
    const size = async (name: string): Promise<number> => (await stat(join(target.rootDir, name))).size;
    expect(await size('timerwheel')).toBe(7 * 24 * 3600 * 2 * 32);
    expect(await size('timerlog/00000000000000000000')).toBe(64 * 1024);
    expect(await size('config/timercheck')).toBe(4096);
    const check = await readFile(join(target.rootDir, 'config/timercheck'));
    expect([8, 16, 24].map((at) => Number(check.readBigInt64BE(at)))).toEqual([52, 1, 1]);
    const saved = JSON.parse(await readFile(join(target.rootDir, 'config/timermetrics'), 'utf8'));
    expect(saved).toMatchObject({ timingCount: { orders: { count: 1 } }, dataVersion: { counter: 1 } });
  });

  describe('that was recalled', () => {
    const recall = (recallHandle: string, topic = 'orders') =>
      target.call(Requests.recallMessage, { producerGroup: 'producers', topic, recallHandle });

    it('does not arrive, while its neighbours do', async () => {
      const due = Date.now() + 2_000;
      const handles: string[] = [];
      for (const key of ['A', 'B', 'C']) {
        const { extFields } = await target.send('orders', key, timed({ TIMER_DELIVER_MS: due, UNIQ_KEY: key }));
        handles.push(extFields['recallHandle']!);
      }
      const response = await recall(handles[1]!);
      expect(response).toMatchObject({ code: ResponseCode.SUCCESS, extFields: { msgId: 'B' } });
      expect((await arrivals(2)).map(({ body }) => body.toString())).toEqual(['A', 'C']);
      const metrics = (await target.call(Requests.getTimerMetrics, {})).body!.toString();
      expect(JSON.parse(metrics)).toMatchObject({ timingCount: { orders: { count: 0 } } });
    });

    it('does not arrive after a restart either', async () => {
      const due = Date.now() + 1_500;
      const { extFields } = await target.send('orders', 'A', timed({ TIMER_DELIVER_MS: due, UNIQ_KEY: 'A' }));
      await target.send('orders', 'B', timed({ TIMER_DELIVER_MS: due, UNIQ_KEY: 'B' }));
      await recall(extFields['recallHandle']!);
      await target.restart();
      expect((await arrivals(1)).map(({ body }) => body.toString())).toEqual(['B']);
    });

    it.each<[string, (handle: string) => [string, string], number, string]>([
      [
        'a handle that is none',
        () => ['nonsense', 'orders'],
        ResponseCode.ILLEGAL_OPERATION,
        'recall handle is invalid',
      ],
      [
        'another topic',
        (handle) => [handle, 'TBW102'],
        ResponseCode.ILLEGAL_OPERATION,
        'recall failed, topic not match',
      ],
      [
        'an unknown topic',
        (handle) => [handle, 'nobody'],
        ResponseCode.TOPIC_NOT_EXIST,
        'recall failed, the topic[nobody] not exist',
      ],
      [
        'another broker',
        (handle) => [rewrite(handle, 2, 'broker-b'), 'orders'],
        ResponseCode.ILLEGAL_OPERATION,
        'recall failed, broker service not available',
      ],
      [
        'a time that is over',
        (handle) => [rewrite(handle, 3, '1'), 'orders'],
        ResponseCode.ILLEGAL_OPERATION,
        'recall failed, timestamp invalid',
      ],
    ])('is not, when the request has %s', async (_what, change, code, remark) => {
      const { extFields } = await target.send('orders', 'A', timed({ TIMER_DELAY_SEC: 3_600 }));
      const [handle, topic] = change(extFields['recallHandle']!);
      expect(await recall(handle, topic)).toMatchObject({ code, remark });
    });

    it('is not, when the broker does not allow it (the default)', async () => {
      await target.restart({ recallMessageEnable: false });
      const { extFields } = await target.send('orders', 'A', timed({ TIMER_DELAY_SEC: 3_600 }));
      expect(await recall(extFields['recallHandle']!)).toMatchObject({
        code: ResponseCode.NO_PERMISSION,
        remark: 'recall failed, operation is forbidden',
      });
      expect(await isEmpty()).toBe(true);
    });

    it('has no handle when it is not a timer message', async () => {
      const { extFields } = await target.send('orders', 'A', timed({}));
      expect(extFields).not.toHaveProperty('recallHandle');
    });
  });
});

function rewrite(handle: string, part: number, value: string): string {
  const parts = Buffer.from(handle, 'base64url').toString().split(' ');
  parts[part] = value;
  return Buffer.from(parts.join(' ')).toString('base64url');
}
