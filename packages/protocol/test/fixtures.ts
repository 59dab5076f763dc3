import { readFileSync } from 'node:fs';

/** What Apache RocketMQ 5.5.0's own classes printed; bytes as hex. */
export function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8'));
}

/** Runs `attempt` and returns what it threw, or undefined. */
export function thrown(attempt: () => unknown): unknown {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return error;
  }
}
