import { statfs } from 'node:fs/promises';
import { CURRENT_VERSION, encodeKVTable, Requests, versionName } from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { ok, type ProcessorRow, row } from './row.js';

/** What the broker is doing and how it is set up (`AdminBrokerProcessor`). */
export function statusProcessors(context: BrokerContext): readonly ProcessorRow[] {
  return [
    row(Requests.getBrokerRuntimeInfo, async (_fields, request) =>
      ok(request, encodeKVTable({ table: await runtimeInfo(context) })),
    ),
  ];
}

/** Numbers about Java's thread pools and their queues: one thread does everything here, nothing waits in queues. */
const withoutThreads = Object.fromEntries(
  ['send', 'pull', 'litePull', 'query', 'ack'].flatMap((pool) => [
    [`${pool}ThreadPoolQueueSize`, 0],
    [`${pool}ThreadPoolQueueHeadWaitTimeMills`, 0],
  ]),
);

/** Java's names (`AdminBrokerProcessor.prepareRuntimeInfo`, `StoreStatsService`); only what this broker knows. */
async function runtimeInfo(context: BrokerContext): Promise<Record<string, string>> {
  const { options, stats, store, clock, delay, timers } = context;
  const { totals, days } = stats;
  const now = clock.now();
  const disk = await diskOf(options.storePathRootDir);
  return Object.fromEntries(
    Object.entries({
      brokerActive: true,
      brokerVersion: CURRENT_VERSION,
      brokerVersionDesc: versionName(CURRENT_VERSION),
      bootTimestamp: stats.startedAt,
      runtime: elapsed(now - stats.startedAt),
      putMessageTimesTotal: totals.putMessages,
      putMessageFailedTimes: totals.putFailures,
      putMessageSizeTotal: totals.putBytes,
      putMessageAverageSize: totals.putMessages === 0 ? 0 : totals.putBytes / totals.putMessages,
      putTps: stats.rate('putMessages'),
      getTransferredTps: stats.rate('gotMessages'),
      getFoundTps: stats.rate('getsFound'),
      getMissTps: stats.rate('getsMissed'),
      getTotalTps: stats.rate('getsFound', 'getsMissed'),
      msgPutTotalYesterdayMorning: days.yesterdayMorning.put,
      msgPutTotalTodayMorning: days.todayMorning.put,
      msgPutTotalTodayNow: days.now.put,
      msgGetTotalYesterdayMorning: days.yesterdayMorning.got,
      msgGetTotalTodayMorning: days.todayMorning.got,
      msgGetTotalTodayNow: days.now.got,
      commitLogMinOffset: store.minCommitLogOffset,
      commitLogMaxOffset: store.maxCommitLogOffset,
      commitLogDiskRatio: disk.used,
      consumeQueueDiskRatio: disk.used,
      commitLogDirCapacity: `Total : ${bytes(disk.total)}, Free : ${bytes(disk.free)}.`,
      startAcceptSendRequestTimeStamp: options.startAcceptSendRequestTimeStamp,
      pullHoldSize: context.pullHold.size,
      ...withoutThreads,
      ...delay.runtimeInfo(),
      ...timers.runtimeInfo(),
    }).map(([key, value]) => [key, String(value)]),
  );
}

async function diskOf(directory: string): Promise<{ total: number; free: number; used: number }> {
  const { bsize, blocks, bavail, bfree } = await statfs(directory);
  // As `UtilAll.getDiskPartitionSpaceUsedPercent`: used of what is not reserved for the system.
  const used = (blocks - bfree) / (blocks - bfree + bavail);
  return { total: blocks * bsize, free: bfree * bsize, used };
}

/** `[ 1 days, 2 hours, 3 minutes, 4 seconds ]` */
function elapsed(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const parts = [
    [Math.floor(seconds / 86_400), 'days'],
    [Math.floor(seconds / 3_600) % 24, 'hours'],
    [Math.floor(seconds / 60) % 60, 'minutes'],
    [seconds % 60, 'seconds'],
  ];
  return `[ ${parts.map(([count, unit]) => `${count} ${unit}`).join(', ')} ]`;
}

/** `1.5 GiB` */
function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, count < 1 ? 0 : Math.floor(Math.log2(count) / 10));
  return `${(count / 1_024 ** power).toFixed(1)} ${units[power]}`;
}
