/** Longer than copying memory takes, even when the system runs something else in between. */
const SLOW_MS = 4;

const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 60_000;

/**
 * Whether writes to a file are a matter of copying memory. They are until too many pages wait for the disk: then the kernel holds up
 * whoever writes, for up to 200 ms, and the event loop must not be among them. It finds out by trying, ever more seldom.
 */
export class WritePace {
  private pauseMs = FIRST_PAUSE_MS;
  private slowUntil = 0;

  get quick(): boolean {
    return performance.now() >= this.slowUntil;
  }

  /** Once a write has returned. @param startedAt of `performance.now()` */
  wrote(startedAt: number): void {
    const now = performance.now();
    if (now - startedAt < SLOW_MS) {
      this.pauseMs = FIRST_PAUSE_MS;
    } else {
      this.slowUntil = now + this.pauseMs;
      this.pauseMs = Math.min(this.pauseMs * 2, LAST_PAUSE_MS);
    }
  }
}
