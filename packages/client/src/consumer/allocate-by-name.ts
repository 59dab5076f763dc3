import { ConfigurationError } from '@rocketnest/protocol';
import { type AllocateStrategy, allocateAveragely, allocateByCircle } from './allocate.js';
import { allocateByConsistentHash } from './allocate-consistent-hash.js';

/**
 * Strategies that options can name. Those that need to know more than the name are made by functions: allocateByConfig,
 * allocateByMachineRoom, allocateNearby.
 */
export const allocateStrategies = {
  AVG: allocateAveragely,
  AVG_BY_CIRCLE: allocateByCircle,
  CONSISTENT_HASH: allocateByConsistentHash(),
} as const satisfies Record<string, AllocateStrategy>;

/** A strategy by Java's name, or the given custom one. */
export function allocateStrategyOf(choice: AllocateStrategy | keyof typeof allocateStrategies): AllocateStrategy {
  if (typeof choice !== 'string') return choice;
  const known = allocateStrategies[choice];
  if (known === undefined) {
    const names = Object.keys(allocateStrategies).join(', ');
    throw new ConfigurationError(`Unknown allocate strategy "${choice}". Use one of ${names}, or pass an object.`, {
      context: { allocate: choice },
    });
  }
  return known;
}
