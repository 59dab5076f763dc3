/** The system's clock, put forward. Brokers and fakes that read it believe that time has passed. */
export class ShiftedClock {
  #shiftMs = 0;

  /** Milliseconds since 1970. */
  now(): number {
    return Date.now() + this.#shiftMs;
  }

  /** @param ms how far; time never goes back */
  advance(ms: number): void {
    this.#shiftMs += ms;
  }
}
