import type { Logger } from '@rocketnest/remoting';

interface Job {
  readonly intervalMs: () => number;
  readonly run: () => void;
  armedMs: number;
  timer: NodeJS.Timeout;
}

/** The repeating work of one broker: named intervals that never overlap themselves and never throw into the event loop. */
export class Jobs {
  private readonly jobs = new Set<Job>();
  private readonly running = new Set<Promise<void>>();

  constructor(private readonly logger: Logger) {}

  /**
   * Runs `job` every `intervalMs`; a run that is still going when the next is due is not started twice.
   * @param intervalMs a function when the interval may change, see {@link rearm}
   */
  every(intervalMs: number | (() => number), name: string, job: () => void | Promise<void>): void {
    let busy = false;
    const failed = (error: unknown): void => this.logger.error(`job ${name} failed`, { error });
    const run = (): void => {
      if (busy) return;
      try {
        const work = job();
        if (work === undefined) return;
        busy = true;
        const done = work.catch(failed).finally(() => {
          busy = false;
          this.running.delete(done);
        });
        this.running.add(done);
      } catch (error) {
        failed(error);
      }
    };
    const interval = typeof intervalMs === 'function' ? intervalMs : () => intervalMs;
    const armedMs = interval();
    this.jobs.add({ intervalMs: interval, run, armedMs, timer: setInterval(run, armedMs) });
  }

  /** Intervals may have changed: those that did start anew from now. */
  rearm(): void {
    for (const job of this.jobs) {
      const intervalMs = job.intervalMs();
      if (intervalMs === job.armedMs) continue;
      clearInterval(job.timer);
      job.armedMs = intervalMs;
      job.timer = setInterval(job.run, intervalMs);
    }
  }

  /** Stops all intervals and waits for the runs that are going on. */
  async close(): Promise<void> {
    for (const { timer } of this.jobs) clearInterval(timer);
    this.jobs.clear();
    await Promise.all(this.running);
  }
}
