import { decodeProperties, javaHashCode, PropertyName, readStored } from '@rocketnest/protocol';
import type { TimerParts } from './timer-parts.js';
import { TimerMagic, type TimerUnit } from './timer-unit.js';

/**
 * Counts the messages that wait for each topic anew, from the timer log: after a crash the running counts are a little off. Topics
 * with `timerMetricSmallThreshold` messages and more keep theirs (`TimerMessageStore.checkAndReviseMetrics`).
 *
 * @param readMs the first slot that counts
 */
export async function recountTimers(
  { wheel, log, metrics, store, options }: TimerParts,
  readMs: number,
): Promise<void> {
  const topics = metrics.topicsBelow(options.timerMetricSmallThreshold);
  const before = new Map(topics.map((topic) => [topic, metrics.count(topic)]));
  const counted = new Map(topics.map((topic) => [topic, 0]));
  const byHash = new Map<number, string[]>();
  for (const topic of topics) byHash.set(javaHashCode(topic), [...(byHash.get(javaHashCode(topic)) ?? []), topic]);

  const count = (topic: string | undefined, { magic }: TimerUnit): void => {
    const so = topic === undefined ? undefined : counted.get(topic);
    if (so !== undefined) counted.set(topic!, so + ((magic & TimerMagic.DELETE) === 0 ? 1 : -1));
  };
  const ambiguous: TimerUnit[] = [];
  const end = log.end;
  await log.written();
  await log.scan(wheel.firstBehind(readMs, -1), end, (unit) => {
    const candidates = unit.slotMs < readMs ? [] : (byHash.get(unit.topicHash) ?? []);
    if (candidates.length > 1) ambiguous.push(unit);
    else count(candidates[0], unit);
  });
  for (const unit of ambiguous) {
    const stored = await store.messageAt(unit.commitLogOffset);
    if (stored) count(decodeProperties(readStored.propertiesData(stored, 0))[PropertyName.REAL_TOPIC], unit);
  }
  for (const [topic, value] of counted) metrics.set(topic, value + metrics.count(topic) - before.get(topic)!);
}
