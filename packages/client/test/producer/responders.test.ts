import { expect, it } from '@jest/globals';
import { explainSilence } from '../../src/producer/responders.js';

it.each([
  [undefined, /could not be found out/],
  [[], /No consumer group subscribes to the topic: start the replier/],
  [[{ group: 'a', members: 0 }], /Consumer group a knows the topic, but no member of it is running/],
  [
    [
      { group: 'a', members: 0 },
      { group: 'b', members: 2 },
    ],
    /^Consumer group b \(2 running\) subscribes: .* raise timeoutMs\.$/,
  ],
])('of %j it says what that means and what to do', (responders, expected) => {
  expect(explainSilence(responders)).toMatch(expected);
});
