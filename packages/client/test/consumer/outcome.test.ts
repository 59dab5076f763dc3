import { describe, expect, it } from '@jest/globals';
import { failedOf, readOutcome } from '../../src/consumer/outcome.js';
import { pulled } from './stored-message.js';

const BATCH = [0, 1, 2, 3].map((offset) => pulled(offset));
const [first, second, third] = BATCH;

describe('what a handler returns', () => {
  it.each<[what: string, returned: unknown]>([
    ['nothing', undefined],
    ['a saved entity', { id: 1 }],
    ['a number', 3],
    ['an entity with an action of its own', { action: 7 }],
    ['a retry of nothing', { action: 'retry', failed: [] }],
    ['a retry after the whole batch', { action: 'retry', consumed: 4 }],
    ['no outcomes at all', { action: 'each', outcomes: new Map() }],
  ])('is success: %s', (_, returned) => {
    expect(readOutcome(returned, BATCH)).toBeUndefined();
  });

  it.each<[returned: unknown, says: RegExp]>([
    [{ action: 'later' }, /known actions are retry, dead-letter, suspend and each/],
    [{ action: 'retry', consumed: -1 }, /consumed -1 for a batch of 4/],
    [{ action: 'retry', consumed: 5 }, /consumed 5 for a batch of 4/],
    [{ action: 'retry', delayLevel: -1 }, /delayLevel -1; .*return action "dead-letter"/],
    [{ action: 'retry', failed: 3 }, /something else than an array or a set of messages/],
    [{ action: 'retry', failed: [pulled(9)] }, /a message in failed that is not of the batch/],
    [{ action: 'retry', consumed: 1, failed: [first] }, /both consumed and failed/],
    [{ action: 'each' }, /"each" without a Map/],
    [{ action: 'each', outcomes: new Map([[pulled(9), { action: 'retry' }]]) }, /"each" with a message that is not/],
    [{ action: 'each', outcomes: new Map([[first, { action: 'later' }]]) }, /"each" with action "later" for message/],
  ])('is a mistake: %p', (returned, says) => {
    expect(() => readOutcome(returned, BATCH)).toThrow(says);
  });

  it.each([
    ['no more is said', { action: 'retry' }, BATCH],
    ['the first two are done', { action: 'retry', consumed: 2 }, BATCH.slice(2)],
    ['an array names the failed', { action: 'retry', failed: [third, first] }, [first, third]],
    ['a set names the failed', { action: 'retry', failed: new Set([second]) }, [second]],
    ['an iterator names the failed', { action: 'retry', failed: [second].values() }, [second]],
    ['the batch is given up', { action: 'dead-letter' }, BATCH],
    ['the queue is suspended', { action: 'suspend' }, BATCH],
    ['each has its own', { action: 'each', outcomes: new Map([[third, { action: 'dead-letter' }]]) }, [third]],
  ])('says which messages failed when %s', (_, returned, failed) => {
    expect(failedOf(readOutcome(returned, BATCH)!, BATCH)).toEqual(failed);
  });
});
