/**
 * How many messages a group has popped from a queue and not acknowledged, since this broker started
 * (`PopInflightMessageCounter`).
 */
export class InflightCounter {
  private readonly counts = new Map<string, number>();

  /** @param startedAt messages popped before that moment were never counted */
  constructor(private readonly startedAt: () => number) {}

  get(key: string): number {
    return this.counts.get(key) ?? 0;
  }

  popped(key: string, count: number): void {
    if (count > 0) this.counts.set(key, this.get(key) + count);
  }

  /** Messages were acknowledged or returned to their retry topic. */
  finished(key: string, popTime: number, count: number): void {
    if (popTime < this.startedAt()) return;
    const left = this.get(key) - count;
    if (left > 0) this.counts.set(key, left);
    else this.counts.delete(key);
  }

  clear(key: string): void {
    this.counts.delete(key);
  }

  /** Forgets what belongs to topics or groups that are gone. */
  remove(isGone: (topic: string, group: string) => boolean): void {
    for (const key of this.counts.keys()) {
      const [topic, group] = key.split('@') as [string, string];
      if (isGone(topic, group)) this.counts.delete(key);
    }
  }
}
