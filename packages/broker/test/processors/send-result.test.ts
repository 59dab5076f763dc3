import { describe, expect, it } from '@jest/globals';
import { resolveBrokerOptions } from '../../src/options.js';
import { remarkOf, sendOutcomes } from '../../src/processors/send-result.js';

describe('the remark of a refused send', () => {
  const outcomes = sendOutcomes(resolveBrokerOptions({}));

  it('says the numbers when the disk is full', () => {
    const diskFull = 'the disk of /data is 97 % full: 3.00 GiB of 100.00 GiB are free';
    expect(remarkOf(outcomes.SERVICE_NOT_AVAILABLE, 'SERVICE_NOT_AVAILABLE', { diskFull })).toMatch(
      /^service not available now\. It may be caused by .*been shut down, etc\. Now: the disk of \/data is 97 % full: 3\.00 GiB/,
    );
  });

  it('does not speak of the disk otherwise', () => {
    const status = 'SERVICE_NOT_AVAILABLE';
    expect(remarkOf(outcomes[status], status, { diskFull: null })).toBe(outcomes[status].remark);
    expect(remarkOf(outcomes.PUT_OK, 'PUT_OK', { diskFull: 'full' })).toBeNull();
  });
});
