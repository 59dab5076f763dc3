/** Random numbers that a seed repeats. Algorithm: mulberry32. */
export class Random {
  constructor(private state: number) {}

  /** At least 0, less than 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** From `min` up to, not including, `max`. */
  between(min: number, max: number): number {
    return min + this.next() * (max - min);
  }

  index(length: number): number {
    return Math.floor(this.next() * length);
  }

  /** True once in so many calls. */
  oneIn(times: number): boolean {
    return this.index(times) === 0;
  }
}
