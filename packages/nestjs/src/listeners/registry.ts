import { Injectable } from '@nestjs/common';
import { ConfigurationError } from '@rocketnest/client';
import type { RocketMQListenerContainer } from './container.js';

/** The consumers of the application, for stopping and starting them at run time. Injectable wherever RocketMQModule is. */
@Injectable()
export class RocketMQListenerRegistry {
  readonly #containers: RocketMQListenerContainer[] = [];

  /** All consumers, in the order they start. */
  list(): readonly RocketMQListenerContainer[] {
    return [...this.#containers];
  }

  /**
   * @param id a listener's `id`, or a consumer group
   * @param connection needed only when two connections have a group of that name
   * @throws ConfigurationError when there is none, or more than one
   */
  get(id: string, connection?: string): RocketMQListenerContainer {
    const found = this.#containers.filter(
      (container) =>
        container.ids.includes(id) && (connection === undefined || container.connectionName === connection),
    );
    if (found.length === 1) return found[0]!;
    const known = this.#containers.flatMap(({ ids }) => ids).join(', ') || 'none';
    throw new ConfigurationError(
      found.length === 0
        ? `No listener has the id or group '${id}'. Known: ${known}.`
        : `'${id}' names listeners of connections ${found.map((container) => `'${container.connectionName}'`).join(' and ')}. Say which: get('${id}', connection).`,
    );
  }

  /** For the module: makes a consumer known. */
  add(container: RocketMQListenerContainer): void {
    this.#containers.push(container);
  }
}
