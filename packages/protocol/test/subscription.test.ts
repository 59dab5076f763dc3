import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../src/errors.js';
import { parseSubscription } from '../src/subscription.js';
import { fixture } from './fixtures.js';

interface Recorded {
  expression: string | null;
  type: string | null;
  subscription: { subString: string; tagsSet: string[]; codeSet: number[]; expressionType: string } | null;
}

describe('parseSubscription', () => {
  it.each(fixture<{ subscriptions: Recorded[] }>('texts').subscriptions)(
    'reads $expression ($type) as Java does',
    ({ expression, type, subscription }) => {
      if (subscription === null) {
        expect(() => parseSubscription('t', expression, type)).toThrow(ConfigurationError);
        return;
      }
      const { tagsSet, codeSet, ...rest } = parseSubscription('t', expression, type, 123);
      expect({ ...rest, tagsSet: [...tagsSet].sort(), codeSet: [...codeSet].sort((a, b) => a - b) }).toEqual({
        ...subscription,
        topic: 't',
        classFilterMode: false,
        subVersion: 123,
      });
    },
  );
});
