/** What consoles show per topic. Names are Java's (ConsumeStatus): RT in ms, TPS in messages per second. */
export interface ConsumeStatus {
  pullRT: number;
  pullTPS: number;
  consumeRT: number;
  consumeOKTPS: number;
  consumeFailedTPS: number;
  /** In the last hour. */
  consumeFailedMsgs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SLOTS = 12;

/** Sum and number of events in the last `spanMs`, in twelve slots: no timer, constant memory. */
class SlidingWindow {
  private readonly sums = new Float64Array(SLOTS);
  private readonly counts = new Float64Array(SLOTS);
  private readonly epochs = new Float64Array(SLOTS);
  private readonly slotMs: number;

  constructor(spanMs: number) {
    this.slotMs = spanMs / SLOTS;
  }

  add(now: number, value: number): void {
    const epoch = Math.floor(now / this.slotMs);
    const slot = epoch % SLOTS;
    if (this.epochs[slot] !== epoch) {
      this.epochs[slot] = epoch;
      this.sums[slot] = 0;
      this.counts[slot] = 0;
    }
    this.sums[slot]! += value;
    this.counts[slot]! += 1;
  }

  read(now: number): { sum: number; count: number } {
    const oldest = Math.floor(now / this.slotMs) - SLOTS + 1;
    let sum = 0;
    let count = 0;
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.epochs[slot]! < oldest) continue;
      sum += this.sums[slot]!;
      count += this.counts[slot]!;
    }
    return { sum, count };
  }
}

class TopicStats {
  readonly pullTimes = new SlidingWindow(MINUTE_MS);
  readonly pulled = new SlidingWindow(MINUTE_MS);
  readonly consumeTimes = new SlidingWindow(MINUTE_MS);
  readonly consumed = new SlidingWindow(MINUTE_MS);
  readonly failed = new SlidingWindow(MINUTE_MS);
  readonly failedInHour = new SlidingWindow(HOUR_MS);
}

/** Rates of one consumer group over the last minute, per topic. Java: ConsumerStatsManager. */
export class ConsumeStats {
  private readonly topics = new Map<string, TopicStats>();

  pulled(topic: string, messages: number, durationMs: number): void {
    const now = Date.now();
    const stats = this.of(topic);
    stats.pullTimes.add(now, durationMs);
    stats.pulled.add(now, messages);
  }

  /** One handler call: so many messages of its batch are consumed, so many failed. */
  consumed(topic: string, messages: number, failed: number, durationMs: number, now = Date.now()): void {
    const stats = this.of(topic);
    stats.consumeTimes.add(now, durationMs);
    if (messages > 0) stats.consumed.add(now, messages);
    if (failed > 0) {
      stats.failed.add(now, failed);
      stats.failedInHour.add(now, failed);
    }
  }

  status(topic: string): ConsumeStatus {
    const now = Date.now();
    const stats = this.of(topic);
    const average = ({ sum, count }: { sum: number; count: number }) => (count === 0 ? 0 : sum / count);
    const perSecond = ({ sum }: { sum: number }) => sum / (MINUTE_MS / 1000);
    return {
      pullRT: average(stats.pullTimes.read(now)),
      pullTPS: perSecond(stats.pulled.read(now)),
      consumeRT: average(stats.consumeTimes.read(now)),
      consumeOKTPS: perSecond(stats.consumed.read(now)),
      consumeFailedTPS: perSecond(stats.failed.read(now)),
      consumeFailedMsgs: stats.failedInHour.read(now).sum,
    };
  }

  private of(topic: string): TopicStats {
    let stats = this.topics.get(topic);
    if (stats === undefined) {
      stats = new TopicStats();
      this.topics.set(topic, stats);
    }
    return stats;
  }
}
