import type { Logger } from '@rocketnest/remoting';
import type { Io } from './io.js';
import type { LogLevel } from './logger.js';

/** What a command starts, in order; closed in reverse. */
export interface Service {
  close(): Promise<unknown>;
}

export interface ServeContext {
  readonly io: Io;
  readonly logger: Logger;
  /** What `logger` keeps: for processes that log by themselves. */
  readonly logLevel: LogLevel;
  /** Starts a service and takes over closing it, also when starting fails half way. */
  start<S extends Service & { start(): Promise<void> }>(service: S): Promise<S>;
}

/**
 * Starts services, prints the `ready` line, waits for the stop signal and closes what was started, last first. Rejects with the error
 * that kept the services from starting. A stop signal during the start is obeyed when the current step is over.
 *
 * @param start starts everything and resolves with the parts of the ready line, e.g. `{ namesrv: '127.0.0.1:9876' }`.
 */
export async function serve(
  start: (context: ServeContext) => Promise<Readonly<Record<string, string>>>,
  { logger, logLevel }: Pick<ServeContext, 'logger' | 'logLevel'>,
  io: Io,
): Promise<void> {
  const started: Service[] = [];
  try {
    const parts = await start({
      io,
      logger,
      logLevel,
      start: async (service) => {
        io.stop.throwIfAborted();
        started.push(service);
        await service.start();
        return service;
      },
    });
    io.stop.throwIfAborted();
    io.stdout(
      `ready ${Object.entries(parts)
        .map(([name, address]) => `${name}=${address}`)
        .join(' ')}\n`,
    );
    await new Promise((resolve) => io.stop.addEventListener('abort', resolve, { once: true }));
  } catch (error) {
    if (!io.stop.aborted) throw error;
  } finally {
    for (const service of started.reverse()) await service.close();
  }
}
