/** Names the tests that say why they are skipped on this run, `… (only on …: reason)`, at its end. Jest itself only counts them. */
export default class SkippedReporter {
  onRunComplete(_, { testResults }) {
    const reasons = testResults.flatMap(({ testResults: tests }) =>
      tests
        .filter(({ status, title }) => status === 'pending' && / \(only on .*: .*\)$/.test(title))
        .map(({ fullName }) => fullName),
    );
    if (reasons.length > 0) process.stderr.write(`Skipped:\n${reasons.map((name) => `  ${name}\n`).join('')}\n`);
  }
}
