/**
 * What the broker of the end-to-end tests is told, in Apache's keys: one set, so that a run on other servers than ours
 * (scripts/nest.mjs) starts them once for all files.
 */
export const brokerOptions = {
  // Handlers and brokers choose among the first of them; those behind the last are the last.
  messageDelayLevel: '1s 1s 1s 1s 1s 1s 1s 1s',
  // Asked soon and often, for half a minute at most: no later test waits for an earlier one's transactions.
  transactionTimeOut: 200,
  transactionCheckInterval: 200,
  transactionCheckMax: 150,
  recallMessageEnable: true,
  traceTopicEnable: true,
} as const;
