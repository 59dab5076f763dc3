import { setTimeout as pause } from 'node:timers/promises';

const RETRY_MS = 1_000;

/**
 * Marks rows as sent: those that are sent while a statement runs go together into the next one. A row that cannot be marked is sent again
 * once its lease has ended, so it is tried until then.
 */
export class SentRows {
  #waiting: unknown[] = [];
  #running: Promise<void> | undefined;

  /**
   * @param mark marks rows in the database
   * @param onFailure told of every failed attempt
   */
  constructor(
    private readonly mark: (ids: readonly unknown[]) => Promise<void>,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** Resolves when the row is marked, or was given up at `giveUpAt` (`performance.now()`). */
  add(id: unknown, giveUpAt: number): Promise<void> {
    this.#waiting.push(id);
    this.#running ??= this.#run(giveUpAt);
    return this.#running;
  }

  async #run(giveUpAt: number): Promise<void> {
    while (this.#waiting.length > 0) {
      const ids = this.#waiting;
      this.#waiting = [];
      try {
        await this.mark(ids);
      } catch (error) {
        this.onFailure(error);
        if (performance.now() >= giveUpAt) continue;
        this.#waiting = [...ids, ...this.#waiting];
        await pause(RETRY_MS);
      }
    }
    this.#running = undefined;
  }
}
