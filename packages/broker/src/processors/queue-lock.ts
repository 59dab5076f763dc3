import { encodeLockBatchResponse, parseLockBatchRequest, Requests } from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { ok, type ProcessorRow, parseBody, row } from './row.js';

/** Locks of orderly consumers (`AdminBrokerProcessor.lockBatchMQ`, `unlockBatchMQ`). */
export function queueLockProcessors({ queueLocks }: BrokerContext): readonly ProcessorRow[] {
  return [
    row(Requests.lockBatchMq, (_fields, request) => {
      const { consumerGroup, clientId, mqSet } = parseBody(request, Requests.lockBatchMq, parseLockBatchRequest);
      return ok(request, encodeLockBatchResponse({ lockOKMQSet: queueLocks.lock(consumerGroup, mqSet, clientId) }));
    }),
    row(Requests.unlockBatchMq, (_fields, request) => {
      const { consumerGroup, clientId, mqSet } = parseBody(request, Requests.unlockBatchMq, parseLockBatchRequest);
      queueLocks.unlock(consumerGroup, mqSet, clientId);
      return ok(request);
    }),
  ];
}
