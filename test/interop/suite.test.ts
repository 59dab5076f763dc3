import { describe, expect, it } from '@jest/globals';
import { saveResults } from '../../scripts/compatibility.mjs';
import { runSuite } from '../support/java-suite.js';
import { targets } from '../support/servers.js';

// The suites run while this file is loaded, so that every JUnit test can be a test of its own here.
const runs = [];
for (const target of targets) {
  const run = await runSuite(target, {
    retry: true,
    onResult: ({ test, outcome, message }, firstTry) => {
      if (firstTry && outcome === 'failed')
        console.warn(`${target}: ${test} failed and is tried once more: ${message}`);
    },
  });
  runs.push({ target, run, changed: saveResults(target, run, { whole: true }) });
}

describe.each(runs)('the Java suite on the servers of $target', ({ target, run, changed }) => {
  for (const { test, outcome, message } of run.results) {
    if (outcome === 'skipped') it.skip(test, () => {});
    else it(test, () => expect(message).toBeNull());
  }

  it('has the results that docs/compatibility.md shows', () => {
    const hint = `results/${target}.json was rewritten: run node scripts/generate-docs.mjs and commit both`;
    expect(changed ? hint : 'the same').toBe('the same');
  });
});
