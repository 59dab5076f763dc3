import type { Peer, Scenario } from '../harness/scenario.js';
import { nestScenarios } from '../nest/scenarios.js';
import { clientComparisons } from './clients.js';
import { coldReads } from './cold-reads.js';
import { coldStart } from './cold-start.js';
import { manyConnections } from './connections.js';
import { delays } from './delay.js';
import { drain } from './drain.js';
import { fanOut } from './fan-out.js';
import { latency } from './latency.js';
import { memory } from './memory.js';
import { ordered } from './ordered.js';
import { restarts } from './restart.js';
import { sendAsync } from './send-async.js';
import { sendBatch } from './send-batch.js';
import { sendOneway } from './send-oneway.js';
import { sendSync } from './send-sync.js';
import { fullStore } from './stored.js';
import { waitingTimers } from './timers.js';
import { manyTopics } from './topics.js';
import { transaction } from './transaction.js';

/** All, in the order in which they run and are written about. */
export const scenarios: readonly Scenario<Peer>[] = [
  ...sendSync,
  sendAsync,
  sendBatch,
  sendOneway,
  transaction,
  ordered,
  drain,
  fanOut,
  latency,
  ...delays,
  coldReads,
  manyTopics,
  manyConnections,
  coldStart,
  memory,
  ...restarts,
  fullStore,
  waitingTimers,
  ...clientComparisons,
  ...nestScenarios,
] as readonly Scenario<Peer>[];
