import { describe, expect, it } from '@jest/globals';
import { PropertyName } from '@rocketnest/protocol';
import type { Batch } from '../../src/consumer/consumption.js';
import { OverdueHandlers } from '../../src/consumer/overdue-handlers.js';
import { ProcessQueue } from '../../src/consumer/process-queue.js';
import { pulled, QUEUE } from './stored-message.js';
import { LogKeeper } from './testbed.js';

function runningSince(ageMs: number, msgId: string): Batch {
  const properties = { [PropertyName.CONSUME_START_TIMESTAMP]: String(Date.now() - ageMs) };
  return { queue: new ProcessQueue(QUEUE), messages: [pulled(0, { msgId, properties })], over: false };
}

describe('handlers that run too long', () => {
  it('are logged once each, with message and queue', () => {
    const logger = new LogKeeper();
    const overdue = new OverdueHandlers('g', 60_000, logger);
    const running = [runningSince(61_000, 'slow'), runningSince(50_000, 'quick')];
    overdue.check(running);
    overdue.check(running);
    expect(logger.of('warn')).toEqual([
      {
        level: 'warn',
        message: expect.stringMatching(
          /^a handler of group g has been running for 6\d{4} ms, longer than consumeTimeoutMs/,
        ),
        fields: { group: 'g', ...QUEUE, msgIds: ['slow'] },
      },
    ]);
    overdue.check([runningSince(70_000, 'another')]);
    expect(logger.of('warn')).toHaveLength(2);
  });
});
