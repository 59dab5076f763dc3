import type { Logger } from '@rocketnest/remoting';

/** The repeating work of one broker: named intervals that never overlap themselves and never throw into the event loop. */
export class Jobs {
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly running = new Set<Promise<void>>();

  constructor(private readonly logger: Logger) {}

  /** Runs `job` every `intervalMs`; a run that is still going when the next is due is not started twice. */
  every(intervalMs: number, name: string, job: () => void | Promise<void>): void {
    let busy = false;
    const run = async (): Promise<void> => {
      if (busy) return;
      busy = true;
      try {
        await job();
      } catch (error) {
        this.logger.error(`job ${name} failed`, { error });
      } finally {
        busy = false;
      }
    };
    this.timers.add(
      setInterval(() => {
        const done = run().finally(() => this.running.delete(done));
        this.running.add(done);
      }, intervalMs),
    );
  }

  /** Stops all intervals and waits for the runs that are going on. */
  async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    this.timers.clear();
    await Promise.all(this.running);
  }
}
