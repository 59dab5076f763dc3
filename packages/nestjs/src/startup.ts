import { ConfigurationError } from '@rocketnest/client';

/** Pause between attempts. */
const PAUSE_MS = 500;

export interface Patience {
  /** How long to go on, in ms; `Infinity`: until it works. */
  readonly forMs: number;
  /** Nobody needs the result any more. */
  readonly isOver: () => boolean;
  /** Told of every failure but the last. */
  readonly onFailure: (error: Error) => void;
}

/**
 * Repeats what servers that are still starting may refuse. What is wrong with the configuration is not repeated: that does not
 * get better.
 * @throws what the last attempt threw
 */
export async function patiently(attempt: () => Promise<void>, { forMs, isOver, onFailure }: Patience): Promise<void> {
  const deadline = Date.now() + forMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof ConfigurationError || Date.now() >= deadline) throw error;
      if (isOver()) return;
      onFailure(error as Error);
    }
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, PAUSE_MS);
      // What goes on in the background does not keep a process alive that has nothing else to do.
      if (forMs === Number.POSITIVE_INFINITY) timer.unref();
    });
    if (isOver()) return;
  }
}
