/** A clock that moves only when told to. */
export class ManualClock {
  #now: number;

  /** @param now milliseconds since 1970 */
  constructor(now = Date.UTC(2024, 0, 1)) {
    this.#now = now;
  }

  readonly now = (): number => this.#now;

  /** Moves forward (a negative value: back). */
  advance(ms: number): void {
    this.#now += ms;
  }
}
