import type { ProcessorTable } from '@rocketnest/remoting';
import type { BrokerContext } from '../context.js';
import { staticTopicProcessors } from '../static-topic/processors.js';
import { timerProcessors } from '../timer/timer-processors.js';
import { transactionProcessors } from '../transaction/transaction-processors.js';
import { clientProcessors } from './client.js';
import { configProcessors } from './config.js';
import { consumeStatsProcessors } from './consume-stats.js';
import { consumerAdminProcessors } from './consumer-admin.js';
import { consumerCallProcessors } from './consumer-call.js';
import { groupProcessors } from './group.js';
import { messageAdminProcessors } from './message-admin.js';
import { offsetProcessors } from './offset.js';
import { pullProcessors } from './pull.js';
import { queryProcessors } from './query.js';
import { queueLockProcessors } from './queue-lock.js';
import { replyProcessors } from './reply.js';
import { resetOffsetProcessors } from './reset-offset.js';
import type { ProcessorRow } from './row.js';
import { sendProcessors } from './send.js';
import { sendBackProcessors } from './send-back.js';
import { statusProcessors } from './status.js';
import { topicProcessors } from './topic.js';

/** Areas of the broker; each answers a few request codes. The order has no meaning. */
const areas: readonly ((context: BrokerContext) => readonly ProcessorRow[])[] = [
  sendProcessors,
  replyProcessors,
  sendBackProcessors,
  transactionProcessors,
  timerProcessors,
  pullProcessors,
  (context) => context.pop.processors,
  offsetProcessors,
  clientProcessors,
  queueLockProcessors,
  topicProcessors,
  staticTopicProcessors,
  groupProcessors,
  consumeStatsProcessors,
  consumerAdminProcessors,
  consumerCallProcessors,
  resetOffsetProcessors,
  queryProcessors,
  messageAdminProcessors,
  statusProcessors,
  configProcessors,
];

/** The single table request code → processor (`BrokerController.registerProcessor`). */
export function processorTable(context: BrokerContext): ProcessorTable {
  const table = new Map<number, ProcessorRow[1]>();
  for (const [code, processor] of areas.flatMap((area) => area(context))) {
    if (table.has(code)) throw new Error(`request code ${code} has two processors`);
    table.set(code, processor);
  }
  return table;
}
