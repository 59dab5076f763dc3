/** The files that take minutes start first, so that no worker is left alone with one at the end. */
const LONGEST = ['suite.test.ts', 'nest-e2e.test.ts', 'chaos.test.ts', 'conformance.test.ts'];

/** What Jest asks of a test sequencer; nothing is remembered from run to run. */
export default class LongestFirst {
  sort(tests) {
    const rank = ({ path }) => {
      const index = LONGEST.findIndex((name) => path.endsWith(`/${name}`));
      return index < 0 ? LONGEST.length : index;
    };
    return [...tests].sort((a, b) => rank(a) - rank(b));
  }

  shard(tests) {
    return tests;
  }

  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {}
}
