import {
  encodeBrokerStatsData,
  encodeHARuntimeInfo,
  encodeKVTable,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { runtimeInfo } from '../stats/runtime-info.js';
import { ok, type ProcessorRow, refuse, row } from './row.js';

/** What the broker is doing, and cleaning up on demand (`AdminBrokerProcessor`). */
export function statusProcessors(context: BrokerContext): readonly ProcessorRow[] {
  const { logger, stats, store, topics } = context;
  return [
    row(Requests.getBrokerRuntimeInfo, async (_fields, request) =>
      ok(request, encodeKVTable({ table: await runtimeInfo(context) })),
    ),

    row(Requests.viewBrokerStatsData, ({ statsName, statsKey }, request) => {
      const item = stats.find(statsName, statsKey);
      if (item === undefined) {
        return refuse(request, ResponseCode.SYSTEM_ERROR, `The stats <${statsName}> <${statsKey}> not exist`);
      }
      return ok(
        request,
        encodeBrokerStatsData({
          statsMinute: item.snapshot('minute'),
          statsHour: item.snapshot('hour'),
          statsDay: item.snapshot('day'),
        }),
      );
    }),

    /** A master without slaves. */
    row(Requests.getBrokerHaStatus, (_fields, request) =>
      ok(
        request,
        encodeHARuntimeInfo({
          master: true,
          masterCommitLogMaxOffset: store.maxCommitLogOffset,
          inSyncSlaveNums: 0,
          haConnectionInfo: [],
        }),
      ),
    ),

    /** Concerns slaves; a master agrees and does nothing. */
    row(Requests.resetMasterFlushOffset, (_fields, request) => ok(request)),

    /** Name servers say so to every broker of a group. It matters to slaves that act for a master. */
    row(Requests.notifyMinBrokerIdChange, (fields, request) => {
      logger.info('the lowest broker id of the group changed', fields);
      return ok(request);
    }),

    row(Requests.cleanExpiredConsumequeue, async (_fields, request, connection) => {
      const queues = await store.cleanExpiredConsumeQueues();
      logger.info('expired consume queues removed on demand', { queues, client: connection.remoteAddress });
      return ok(request);
    }),

    row(Requests.cleanUnusedTopic, async (_fields, request, connection) => {
      const removed = await store.cleanUnusedTopics(new Set(topics.all.keys()));
      logger.info('consume queues of unknown topics removed on demand', {
        topics: removed,
        client: connection.remoteAddress,
      });
      return ok(request);
    }),

    row(Requests.deleteExpiredCommitlog, (_fields, request, connection) => {
      logger.info('expired commit log files are deleted on demand', { client: connection.remoteAddress });
      store.deleteFilesManually();
      return ok(request);
    }),
  ];
}
