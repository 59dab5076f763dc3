import { describe, expect, it } from '@jest/globals';
import { validateGroup, validateTopic } from '@rocketnest/protocol';
import { unique } from '../src/unique.js';

describe('unique', () => {
  it('gives a legal name nobody has', () => {
    const names = Array.from({ length: 1000 }, () => unique('orders'));
    expect(new Set(names).size).toBe(1000);
    for (const name of names) {
      validateTopic(name);
      validateGroup(name);
    }
  });
});
