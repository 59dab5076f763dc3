import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '@rocketnest/testing';
import { Child, type CommandLine, leashed } from '../../../test/support/child.js';
import type { Settings } from '../apps/app.js';

/** A peer's server: fresh, on loopback, with its files in a temporary directory. */
export interface Server {
  /** Where applications find it. */
  readonly settings: Settings;
  /** The roots of its process trees. */
  readonly pids: readonly number[];
  /** How applications are started where the server can be reached only from inside something. */
  readonly inside?: (command: CommandLine) => CommandLine;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

/** How a kind of server is started, and what a machine needs for that. */
export interface ServerKind {
  start(): Promise<Server>;
  /** What is missing and how to get it; null when nothing is. */
  missing(): string | null;
  /** Fetches what it needs, once. */
  prepare?(): void;
}

const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;

export interface Launched {
  readonly child: Child;
  stop(): Promise<void>;
}

/** A temporary directory that goes with the server. */
export const temporaryDirectory = (name: string): Promise<string> =>
  mkdtemp(join(tmpdir(), `rocketnest-bench-${name}-`));

/**
 * Starts a server process and waits until it answers. It does not outlive this process.
 * @param ready resolves to true when clients can connect; may throw until then
 */
export async function launch(
  name: string,
  directory: string,
  command: CommandLine,
  ready: (child: Child) => Promise<boolean>,
): Promise<Launched> {
  const child = new Child(name, leashed(command));
  const stop = async (): Promise<void> => {
    if (child.exit === null) await child.stop(STOP_TIMEOUT_MS);
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
  };
  const answers = waitFor(() => ready(child), { timeoutMs: START_TIMEOUT_MS, what: `${name} to answer` });
  answers.catch(() => undefined); // The server's end says more.
  try {
    await child.race(answers, START_TIMEOUT_MS, 'its first answer');
  } catch (error) {
    await stop();
    throw error;
  }
  return { child, stop };
}
