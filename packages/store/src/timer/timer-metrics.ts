import { type DataVersion, parseFastjson } from '@rocketnest/protocol';
import { readJsonFile, writeJsonAtomic } from '../json-file.js';
import type { StoreClock } from '../types.js';

interface Metric {
  count: number;
  timeStamp: number;
}

/** How many messages wait for each topic: `config/timermetrics`. Java: `TimerMetrics`. */
export class TimerMetrics {
  private readonly topics = new Map<string, Metric>();
  private readonly version: { -readonly [K in keyof DataVersion]: DataVersion[K] };
  private changed = false;

  constructor(
    private readonly path: string,
    private readonly clock: StoreClock,
  ) {
    this.version = { stateVersion: 0, timestamp: clock.now(), counter: 0 };
  }

  /** A file that cannot be read counts as none: the counts are for people, nothing depends on them. */
  async load(): Promise<void> {
    await readJsonFile(this.path, (text) => {
      try {
        this.decode(text);
        return true;
      } catch {
        return false;
      }
    });
  }

  add(topic: string, value: number): void {
    const now = this.clock.now();
    const metric = this.topics.get(topic);
    this.topics.set(topic, { count: (metric?.count ?? 0) + value, timeStamp: now });
    this.version.timestamp = now;
    this.version.counter++;
    this.changed = true;
  }

  count(topic: string): number {
    return this.topics.get(topic)?.count ?? 0;
  }

  /** Topics with fewer than `threshold` messages. */
  topicsBelow(threshold: number): string[] {
    return [...this.topics].filter(([, { count }]) => count < threshold).map(([topic]) => topic);
  }

  set(topic: string, count: number): void {
    this.topics.set(topic, { count, timeStamp: this.clock.now() });
    this.changed = true;
  }

  /** Forgets topics, for example deleted ones. */
  keepOnly(accept: (topic: string) => boolean): void {
    for (const topic of this.topics.keys()) if (!accept(topic)) this.remove(topic);
  }

  remove(topic: string): void {
    if (this.topics.delete(topic)) this.changed = true;
  }

  /** The file's text, also the body of GET_TIMER_METRICS. */
  encode(): string {
    return JSON.stringify({ dataVersion: this.version, timingCount: Object.fromEntries(this.topics) });
  }

  /** Writes the file if anything changed. Calls must not overlap. */
  async save(): Promise<void> {
    if (!this.changed) return;
    this.changed = false;
    try {
      await writeJsonAtomic(this.path, this.encode());
    } catch (error) {
      this.changed = true;
      throw error;
    }
  }

  private decode(text: string): void {
    const { timingCount = {}, dataVersion } = parseFastjson(text) as {
      timingCount?: Record<string, Partial<Metric>>;
      dataVersion?: Partial<DataVersion>;
    };
    for (const [topic, { count, timeStamp }] of Object.entries(timingCount)) {
      if (Number.isSafeInteger(count)) this.topics.set(topic, { count: count!, timeStamp: timeStamp ?? 0 });
    }
    Object.assign(this.version, dataVersion);
  }
}
