/** The file that takes minutes starts first, so that no worker is left alone with it at the end. */
const LONGEST = 'suite.test.ts';

/** What Jest asks of a test sequencer; nothing is remembered from run to run. */
export default class LongestFirst {
  sort(tests) {
    const isLongest = ({ path }) => path.endsWith(`/${LONGEST}`);
    return [...tests.filter(isLongest), ...tests.filter((test) => !isLongest(test))];
  }

  shard(tests) {
    return tests;
  }

  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {}
}
