import { expect, it } from '@jest/globals';
import { runStory } from './run-story.js';

it('tells the whole story on the embedded servers', async () => {
  const { exit, output } = await runStory();
  expect({ exit, output }).toEqual({ exit: 0, output: expect.stringContaining('Everything happened') });
}, 600_000);
