export interface WaitForOptions {
  /** Default 25 000 ms: a busy machine may be many times slower than usual. */
  timeoutMs?: number;
  /** What is waited for, as it completes "gave up waiting for …". */
  what?: string;
}

const POLL_MS = 5;

/**
 * Polls `condition` until it gives something truthy and resolves with that. A throwing condition counts as not yet.
 *
 * Rejects after `timeoutMs` naming `what` and, as cause, the condition's last error.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 25_000, what = condition.toString() }: WaitForOptions = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  let last: { value?: T; error?: unknown } = {};
  do {
    try {
      last = { value: await condition() };
      if (last.value) return last.value;
    } catch (error) {
      last = { error };
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  } while (performance.now() < deadline);
  const saw = 'error' in last ? String(last.error) : JSON.stringify(last.value);
  throw new Error(`gave up waiting for ${what} after ${timeoutMs} ms; saw ${saw}`, { cause: last.error });
}
