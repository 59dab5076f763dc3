import { expect, it } from '@jest/globals';
import { createResponse, ResponseCode } from '@rocketnest/protocol';
import { ManualClock, ScriptedPeer, waitFor } from '@rocketnest/testing';
import { ClientInstance } from '../../src/instance.js';
import { FaultDetector } from '../../src/producer/fault-detector.js';
import { FaultLatency } from '../../src/producer/fault-latency.js';

it('finds out that a broker answers again, and forgets one that no route names', async () => {
  await using broker = await ScriptedPeer.start();
  const instance = new ClientInstance({ namesrvAddr: '127.0.0.1:1' });
  instance.findBrokerAddress = (name) =>
    name === 'a' ? { address: broker.address, brokerId: 0, slave: false } : undefined;
  const clock = new ManualClock(0);
  const faults = new FaultLatency(() => clock.now());
  const options = { detectIntervalMs: 10, detectTimeoutMs: 100 };
  const detector = new FaultDetector(instance, options, faults, { topics: () => ['T'] });
  try {
    faults.failed('a', false);
    faults.failed('gone', false);
    await detector.round(); // no answer yet
    expect(faults.isReachable('a')).toBe(false);
    expect(faults.isReachable('gone')).toBe(true);
    expect(faults.isAvailable('gone')).toBe(true);

    broker.script((request) => createResponse(request, ResponseCode.TOPIC_NOT_EXIST, 'no such topic here'));
    detector.start();
    await waitFor(() => faults.isReachable('a'));
    expect(faults.isAvailable('a')).toBe(false); // still avoided while there are others
  } finally {
    detector.close();
    await instance.close();
  }
});
