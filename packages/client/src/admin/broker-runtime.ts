import type { BrokerMember } from './brokers-of.js';

/** A rate over three spans, per second. */
export interface Rates {
  readonly last10s: number;
  readonly last60s: number;
  readonly last600s: number;
}

/** What one broker process is doing. Java: `mqadmin brokerStatus`. */
export interface BrokerRuntime extends BrokerMember {
  /** For example "V5_5_0". */
  readonly version: string;
  /** When its store started, ms since 1970. */
  readonly bootTime: number;
  /** False: a slave that does not act for a master now. */
  readonly active: boolean;
  /** Messages stored. */
  readonly putRates: Rates;
  /** Messages given to consumers. */
  readonly getRates: Rates;
  /** Messages stored today (since midnight there) and yesterday. */
  readonly putToday: number;
  readonly putYesterday: number;
  readonly gotToday: number;
  readonly gotYesterday: number;
  /** Offsets in bytes. */
  readonly commitLogMinOffset: number;
  readonly commitLogMaxOffset: number;
  /** Share of the disk in use, 0 to 1. */
  readonly commitLogDiskRatio: number;
  readonly consumeQueueDiskRatio: number;
  /** Store time of the oldest message, ms since 1970; -1 when there is none. */
  readonly earliestMessageTime: number;
  /** Bytes of the commit log that consume queues do not have yet. */
  readonly dispatchBehindBytes: number;
  /** Requests that wait, how many may, and for how long the first one has, in ms. */
  readonly sendQueue: WaitingRequests;
  readonly pullQueue: WaitingRequests;
  /** Everything the broker says, under its own names. */
  readonly table: Readonly<Record<string, string>>;
}

export interface WaitingRequests {
  readonly size: number;
  readonly capacity: number;
  readonly headWaitMs: number;
}

/** Rows of GET_BROKER_RUNTIME_INFO as numbers; what a version does not tell is 0. Java: AdminBrokerProcessor.prepareRuntimeInfo. */
export function readRuntime(member: BrokerMember, table: Readonly<Record<string, string>>): BrokerRuntime {
  const number = (key: string, absent = 0): number => {
    const value = Number.parseFloat(table[key] ?? '');
    return Number.isFinite(value) ? value : absent;
  };
  const rates = (key: string): Rates => {
    const [last10s = 0, last60s = 0, last600s = 0] = (table[key] ?? '').split(' ').map((rate) => Number(rate) || 0);
    return { last10s, last60s, last600s };
  };
  const waiting = (pool: string): WaitingRequests => ({
    size: number(`${pool}ThreadPoolQueueSize`),
    capacity: number(`${pool}ThreadPoolQueueCapacity`),
    headWaitMs: number(`${pool}ThreadPoolQueueHeadWaitTimeMills`),
  });
  const today = number('msgPutTotalTodayMorning');
  const gotBefore = number('msgGetTotalTodayMorning');
  return {
    ...member,
    version: table['brokerVersionDesc'] ?? 'unknown',
    bootTime: number('bootTimestamp'),
    // Told since 5.0.
    active: table['brokerActive'] !== 'false',
    putRates: rates('putTps'),
    getRates: rates('getTransferredTps' in table ? 'getTransferredTps' : 'getTransferedTps'),
    putToday: number('msgPutTotalTodayNow') - today,
    putYesterday: today - number('msgPutTotalYesterdayMorning'),
    gotToday: number('msgGetTotalTodayNow') - gotBefore,
    gotYesterday: gotBefore - number('msgGetTotalYesterdayMorning'),
    commitLogMinOffset: number('commitLogMinOffset'),
    commitLogMaxOffset: number('commitLogMaxOffset'),
    commitLogDiskRatio: number('commitLogDiskRatio'),
    consumeQueueDiskRatio: number('consumeQueueDiskRatio'),
    earliestMessageTime: number('earliestMessageTimeStamp', -1),
    dispatchBehindBytes: number('dispatchBehindBytes'),
    sendQueue: waiting('send'),
    pullQueue: waiting('pull'),
    table,
  };
}
