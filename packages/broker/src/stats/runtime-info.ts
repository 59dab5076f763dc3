import { statfs } from 'node:fs/promises';
import { CURRENT_VERSION, versionName } from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { javaDouble } from './java-double.js';

/**
 * The rows of GET_BROKER_RUNTIME_INFO, under Java's names (`AdminBrokerProcessor.prepareRuntimeInfo`,
 * `DefaultMessageStore.getRuntimeInfo`, `StoreStatsService.getRuntimeInfo`).
 */
export async function runtimeInfo(context: BrokerContext): Promise<Record<string, string>> {
  const { options, stats, store, clock } = context;
  const { totals, days, putLatency } = stats;
  const disk = await diskOf(options.storePathRootDir);
  const rows: Record<string, string | number | boolean> = {
    brokerActive: true,
    brokerVersionDesc: versionName(CURRENT_VERSION),
    bootTimestamp: stats.startedAt,
    runtime: elapsed(clock.now() - stats.startedAt),
    startAcceptSendRequestTimeStamp: options.startAcceptSendRequestTimeStamp,

    putMessageTimesTotal: totals.putMessages,
    putMessageFailedTimes: totals.putFailures,
    putMessageSizeTotal: totals.putBytes,
    putMessageAverageSize: javaDouble(totals.putMessages === 0 ? 0 : totals.putBytes / totals.putMessages),
    putMessageEntireTimeMax: putLatency.maxMs,
    putMessageDistributeTime: putLatency.distribution,
    putLatency99: putLatency.percentile(0.99).toFixed(2),
    putLatency999: putLatency.percentile(0.999).toFixed(2),
    getMessageEntireTimeMax: stats.getMaxMs,
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
    earliestMessageTimeStamp: await store.earliestTimestamp(),
    dispatchBehindBytes: store.undispatchedBytes,
    remainHowManyDataToFlush: bytes(store.unflushedBytes),
    [`commitLogDiskRatio_${options.storePathRootDir}/commitlog`]: javaDouble(disk.used),
    commitLogDiskRatio: javaDouble(disk.used),
    consumeQueueDiskRatio: javaDouble(disk.used),
    commitLogDirCapacity: `Total : ${bytes(disk.total)}, Free : ${bytes(disk.free)}.`,

    ...queues(context),
    pullHoldSize: context.pullHold.size,
    ...context.delay.runtimeInfo(),
    ...context.timers.runtimeInfo(),
  };
  return Object.fromEntries(Object.entries(rows).map(([key, value]) => [key, String(value)]));
}

/**
 * What waits for a thread on Apache's broker. One thread does everything here: a queue holds the requests that wait for the disk,
 * and the wait of its head is not measured. Capacities are those of the options that limit them; 0 where nothing ever waits.
 */
function queues({ options, stats, underWay }: BrokerContext): Record<string, number> {
  const pools: readonly (readonly [prefix: string, size: number, capacity: number])[] = [
    ['send', stats.putsUnderWay, options.sendThreadPoolQueueCapacity],
    ['pull', underWay.pulls, options.pullThreadPoolQueueCapacity],
    ['litePull', 0, 0],
    ['query', 0, 0],
    ['ack', 0, 0],
  ];
  return Object.fromEntries([
    ...pools.flatMap(([prefix, size, capacity]): [string, number][] => [
      [`${prefix}ThreadPoolQueueSize`, size],
      [`${prefix}ThreadPoolQueueCapacity`, capacity],
      [`${prefix}ThreadPoolQueueHeadWaitTimeMills`, 0],
    ]),
    ['EndTransactionQueueSize', 0],
    ['EndTransactionThreadPoolQueueCapacity', 0],
    ['dispatchMaxBuffer', 0],
    ['pageCacheLockTimeMills', 0],
    ['remainTransientStoreBufferNumbs', 0],
  ]);
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

/** `1.5 GiB`, `512 B` (`MixAll.humanReadableByteCount`). */
function bytes(count: number): string {
  if (count < 1_024) return `${count} B`;
  const power = Math.min(6, Math.floor(Math.log2(count) / 10));
  return `${(count / 1_024 ** power).toFixed(1)} ${'KMGTPE'[power - 1]}iB`;
}
