/** When the table is looked at after rows were added in a transaction whose end nobody tells, in ms after each other. */
const PROBES_MS = [5, 25, 125, 625];

/** What a relay sleeps on: a wake-up call, or the end of the pause. */
export class WakeUp {
  #isCalled = false;
  #resolve: (() => void) | undefined;
  #probe: { readonly timer: NodeJS.Timeout; readonly isFirst: boolean } | undefined;

  /** There may be something to do. One call before `sleep` is enough. */
  call = (): void => {
    this.#isCalled = true;
    this.#resolve?.();
  };

  /** There may be something to do soon: calls a few times, less and less often. */
  soon(): void {
    if (this.#probe?.isFirst) return;
    this.#probeAt(0);
  }

  /** Resolves when called, or after `ms`. */
  async sleep(ms: number): Promise<void> {
    if (!this.#isCalled) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#resolve = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#resolve = undefined;
    }
    this.#isCalled = false;
  }

  close(): void {
    clearTimeout(this.#probe?.timer);
    this.#probe = undefined;
    this.call();
  }

  #probeAt(index: number): void {
    clearTimeout(this.#probe?.timer);
    const delayMs = PROBES_MS[index];
    if (delayMs === undefined) {
      this.#probe = undefined;
      return;
    }
    const timer = setTimeout(() => {
      this.call();
      this.#probeAt(index + 1);
    }, delayMs);
    this.#probe = { timer, isFirst: index === 0 };
  }
}
