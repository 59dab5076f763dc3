import { describe, expect, it } from '@jest/globals';
import { type BrokerOptionValues, resolveBrokerOptions } from '../src/options.js';
import { SendGate } from '../src/send-gate.js';

describe('the gate of sends', () => {
  let now = 1_000_000;
  const gateWith = (options: BrokerOptionValues = {}): SendGate =>
    new SendGate(resolveBrokerOptions(options), () => now);

  it('is open while puts are done in time', () => {
    const gate = gateWith();
    for (let i = 0; i < 5; i++) gate.begin(100);
    for (let i = 0; i < 4; i++) {
      now += 900;
      expect(gate.refusal()).toBeUndefined();
      gate.done(100);
    }
  });

  it('closes when no put is done for osPageCacheBusyTimeOutMills, and opens when one is', () => {
    const gate = gateWith({ osPageCacheBusyTimeOutMills: 300 });
    gate.begin(100);
    gate.begin(100);
    now += 301;
    expect(gate.refusal()).toBe(
      '[PCBUSY_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: 301ms, size of queue: 2',
    );
    gate.done(100);
    expect(gate.refusal()).toBeUndefined();
    gate.done(100);
    now += 10_000;
    expect(gate.refusal()).toBeUndefined();
  });

  it('does not mind waiting for the disk when that is asked for, or when brokerFastFailureEnable is off', () => {
    for (const options of [{ flushDiskType: 'SYNC_FLUSH' as const }, { brokerFastFailureEnable: false }]) {
      const gate = gateWith(options);
      gate.begin(100);
      now += 60_000;
      expect(gate.refusal()).toBeUndefined();
    }
  });

  it('closes at sendThreadPoolQueueCapacity puts, and at maxUnwrittenBytes', () => {
    const byCount = gateWith({ sendThreadPoolQueueCapacity: 2 });
    byCount.begin(1);
    expect(byCount.refusal()).toBeUndefined();
    byCount.begin(1);
    expect(byCount.refusal()).toBe('[OVERLOAD]system busy, start flow control for a while');
    byCount.done(1);
    expect(byCount.refusal()).toBeUndefined();
    const byBytes = gateWith({ maxUnwrittenBytes: 100_000 });
    byBytes.begin(60_000);
    byBytes.begin(60_000);
    expect(byBytes.refusal()).toMatch(/OVERLOAD/);
  });
});
