import type { BrokerContext } from '../context.js';
import type { CheckPoints } from './check-points.js';
import type { HeldRequests } from './hold.js';
import type { InflightCounter } from './inflight.js';
import type { PopLocks } from './locks.js';
import type { OrderTable } from './order-table.js';
import type { ReviveLog } from './revive-log.js';

/** What the processors of pop share. Built by {@link PopService}. */
export interface PopParts {
  readonly context: BrokerContext;
  readonly locks: PopLocks;
  readonly inflight: InflightCounter;
  readonly log: ReviveLog;
  readonly checkPoints: CheckPoints;
  readonly order: OrderTable;
  /** Pops that wait. */
  readonly pops: HeldRequests;
  /** NOTIFICATIONs that wait. */
  readonly notifications: HeldRequests;
}
