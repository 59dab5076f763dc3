import { describe, expect, it } from '@jest/globals';
import { PutLatency } from '../../src/stats/put-latency.js';

describe('put latency', () => {
  it('shows the last complete minute by class', () => {
    const latency = new PutLatency();
    for (const ms of [0, 0, 5, 60, 1_500, 20_000]) latency.add(ms);
    expect(latency.distribution).toMatch(/^\[<=0ms\]:2 \[0~10ms\]:1 \[10~50ms\]:0 \[50~100ms\]:1 .*\[10s~\]:1 $/);
    latency.turn();
    latency.add(7);
    expect(latency.distribution).toMatch(/\[1~2s\]:1 /);
    latency.turn();
    expect(latency.distribution).toMatch(/^\[<=0ms\]:0 \[0~10ms\]:1 /);
    expect(latency.maxMs).toBe(20_000);
  });

  it('finds percentiles', () => {
    const latency = new PutLatency();
    for (let ms = 1; ms <= 1_000; ms++) latency.add(ms);
    latency.turn();
    expect(latency.percentile(0.5)).toBeCloseTo(500, 0);
    expect(latency.percentile(0.99)).toBeCloseTo(990, 0);
    expect(latency.percentile(1)).toBe(1_000);
    expect(new PutLatency().percentile(0.99)).toBe(0);
  });
});
