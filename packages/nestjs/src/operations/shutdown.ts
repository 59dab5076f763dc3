import type { LoggerService } from '@nestjs/common';
import type { RocketMQListenerContainer } from '../listeners/container.js';

/** One connection's part of a shutdown. */
export interface StoppingConnection {
  readonly logger: LoggerService;
  readonly shutdownTimeoutMs: number;
  readonly containers: readonly RocketMQListenerContainer[];
}

/**
 * Stops consumers in phases: all stop fetching and start no handler; then running handlers have `shutdownTimeoutMs` to finish; then
 * offsets are committed and the groups are left. What still runs by then is logged by message id, not acknowledged, and comes
 * again elsewhere.
 */
export async function stopConsumers(connections: readonly StoppingConnection[]): Promise<void> {
  for (const { containers } of connections) {
    for (const container of containers) container.pause();
  }
  await Promise.all(connections.map(stopConnection));
}

async function stopConnection({ logger, shutdownTimeoutMs, containers }: StoppingConnection): Promise<void> {
  const running = containers.map(({ group, consumer }) => ({ group, handlers: consumer?.runningHandlers ?? 0 }));
  const busy = running.filter(({ handlers }) => handlers > 0);
  const handlers = busy.reduce((sum, group) => sum + group.handlers, 0);
  const startedAt = performance.now();
  if (handlers > 0) {
    const where = busy.map((group) => `${group.group}: ${group.handlers}`).join(', ');
    logger.log(
      `Shutting down: nothing is fetched any more, ${handlers} running handlers have ${shutdownTimeoutMs} ms to finish (${where})`,
    );
  }
  const consumers = containers.map(({ consumer }) => consumer);
  await Promise.all(containers.map((container) => container.stop()));
  if (handlers === 0) return;
  const left = consumers.reduce((sum, consumer) => sum + (consumer?.runningHandlers ?? 0), 0);
  const took = Math.round(performance.now() - startedAt);
  if (left === 0) logger.log(`Shutting down: ${handlers} handlers finished in ${took} ms, offsets are committed`);
  else {
    logger.warn(
      `Shutting down: ${left} of ${handlers} handlers did not finish within ${shutdownTimeoutMs} ms. Their messages come again elsewhere; the lines above name them. Raise shutdownTimeoutMs, and what kills the process after it (terminationGracePeriodSeconds), if they need longer.`,
    );
  }
}
