import type { Load } from '../harness/broker-bench.js';
import type { Figure, Figures, Goal } from '../harness/scenario.js';

/** Rows that many scenarios share; the argument is the goal. */
const row =
  (label: string, unit: string, better: Figure['better'], digits: number) =>
  (goal?: Goal): Figure => ({ label, unit, better, digits, ...(goal && { goal }) });

export const rate = row('rate', 'messages a second', 'higher', 0);
export const p50 = row('latency p50', 'ms', 'lower', 2);
export const p99 = row('latency p99', 'ms', 'lower', 2);
export const p999 = row('latency p99.9', 'ms', 'lower', 2);
export const serverCpu = row('server CPU per million messages', 's', 'lower', 1);
export const clientCpu = row('client CPU per million messages', 's', 'lower', 1);
export const loaded = row('RSS under load', 'MiB', 'lower', 0);
/** A figure of one scenario only. */
export const figure = (label: string, unit: string, better: Figure['better'], digits: number, goal?: Goal): Figure =>
  row(label, unit, better, digits)(goal);

export const ratio = (ratio: number): Goal => ({ ratio });
export const value = (value: number): Goal => ({ value });
export const THIRD = ratio(1 / 3);
export const HALF = ratio(1 / 2);

/** The figures of a load that is sent and acknowledged. */
export function sendFigures({ rate, result, serverCpuPerMillion, memory }: Load): Figures {
  const { p50, p99, p999 } = result.latency;
  return { rate, p50, p99, p999, serverCpu: serverCpuPerMillion, loaded: memory.residentMiB };
}
