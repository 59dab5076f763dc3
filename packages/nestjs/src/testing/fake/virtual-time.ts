interface Event {
  readonly at: number;
  run(): void;
}

/** A clock that stands still until it is advanced, and what is to happen when. */
export class VirtualTime {
  #now = Date.now();
  /** By time; of one time, in the order they were scheduled. */
  #events: Event[] = [];

  /** Milliseconds since 1970: the real time at the start, plus what was advanced. */
  get now(): number {
    return this.#now;
  }

  /** Runs `run` when the time comes: with the next advance that reaches it. */
  in(ms: number, run: () => void): void {
    const event = { at: this.#now + Math.max(0, ms), run };
    const later = this.#events.findIndex(({ at }) => at > event.at);
    this.#events.splice(later < 0 ? this.#events.length : later, 0, event);
  }

  /**
   * Lets time pass, from one event to the next.
   * @param settle resolves when everything that the last event caused has happened; it may have scheduled more
   */
  async advance(ms: number, settle: () => Promise<void>): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#events[0]; next !== undefined && next.at <= end; next = this.#events[0]) {
      this.#events.shift();
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await settle();
    }
    this.#now = Math.max(this.#now, end);
  }
}
