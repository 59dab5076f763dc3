import { PartialError } from '@rocketnest/protocol';

/** Somebody who was asked and did not answer, or refused. */
export interface BrokerFailure {
  readonly brokerName: string;
  readonly address: string;
  /** Mostly ConnectionError, TimeoutError or ResponseError. */
  readonly error: Error;
}

/** What several brokers answered together. One broker that is down does not fail the question: it is listed here. */
export interface Gathered<T> {
  readonly items: readonly T[];
  /** Empty when the answer is complete. */
  readonly failures: readonly BrokerFailure[];
}

/** Whom to ask: a broker's name, and where one of its members listens. */
export interface BrokerTarget {
  readonly brokerName: string;
  readonly address: string;
}

/**
 * Asks all targets at once and joins their lists.
 * @throws the first failure when nobody answered
 */
export async function gather<B extends BrokerTarget, T>(
  targets: readonly B[],
  ask: (target: B) => Promise<readonly T[]>,
): Promise<Gathered<T>> {
  const failures: BrokerFailure[] = [];
  const lists = await Promise.all(
    targets.map(async (target) => {
      try {
        return await ask(target);
      } catch (error) {
        failures.push({ brokerName: target.brokerName, address: target.address, error: error as Error });
        return [];
      }
    }),
  );
  if (failures.length > 0 && failures.length === targets.length) throw failures[0]!.error;
  return { items: lists.flat(), failures };
}

/**
 * For questions that half an answer would answer wrongly.
 * @throws the first failure, when there is one
 */
export function requireComplete({ failures }: Gathered<unknown>): void {
  if (failures.length > 0) throw failures[0]!.error;
}

/**
 * Makes one change on all targets at once.
 * @param what for the error: "Topic orders is created"
 * @throws PartialError when some made it, the first failure when none did
 */
export async function changeAll<B extends BrokerTarget>(
  targets: readonly B[],
  what: string,
  change: (target: B) => Promise<unknown>,
): Promise<void> {
  const { items: done, failures } = await gather(targets, async (target) => {
    await change(target);
    return [target.brokerName];
  });
  if (failures.length === 0) return;
  const failed = failures.map(({ brokerName, error }) => `${brokerName} (${error.message})`).join('; ');
  throw new PartialError(`${what} on ${done.join(', ')}, but not on ${failed}. Repeat it: it is safe to repeat.`, {
    done,
    failures,
    cause: failures[0]!.error,
  });
}
