import type { MessageQueue } from '@rocketnest/protocol';

/** Which of the sorted queues the member at `index` of `members` gets. */
type Strategy = (queues: readonly MessageQueue[], members: number, index: number) => MessageQueue[];

/** Strategies by the name that clients send. Apache's broker knows these two, its client more. */
const strategies: Readonly<Record<string, Strategy>> = {
  /** Neighbouring queues; the first members get one more when it does not come out even. Java: `AllocateMessageQueueAveragely`. */
  AVG: (queues, members, index) => {
    const share = Math.floor(queues.length / members);
    const extra = queues.length % members;
    const start = index * share + Math.min(index, extra);
    return queues.slice(start, start + share + (index < extra ? 1 : 0));
  },
  /** Like dealing cards. Java: `AllocateMessageQueueAveragelyByCircle`. */
  AVG_BY_CIRCLE: (queues, members, index) => queues.filter((_, at) => at % members === index),
};

/**
 * The queues of one member of a group. Null for a strategy that is not known: the client then keeps what it has.
 * @param queues sorted
 * @param members client ids, sorted
 */
export function allocate(
  strategyName: string | null | undefined,
  queues: readonly MessageQueue[],
  members: readonly string[],
  clientId: string,
): MessageQueue[] | null {
  const strategy = strategyOf(strategyName);
  if (strategy === null) return null;
  const index = members.indexOf(clientId);
  return index < 0 || queues.length === 0 ? [] : strategy(queues, members.length, index);
}

/**
 * The same for pop, where members share queues (`QueryAssignmentProcessor.allocate4Pop`).
 * @param shareWith how many members that follow share the queues of a member; when that is all of them, or 0 and less, everybody
 *   pops all queues of every broker, which is said with queue id -1
 */
export function allocateForPop(
  strategyName: string | null | undefined,
  queues: readonly MessageQueue[],
  members: readonly string[],
  clientId: string,
  shareWith: number,
): MessageQueue[] | null {
  if (strategyOf(strategyName) === null) return null;
  if (shareWith <= 0 || shareWith >= members.length - 1) return queues.map((queue) => ({ ...queue, queueId: -1 }));
  const index = members.indexOf(clientId);
  if (members.length > queues.length) return index < 0 ? [] : [queues[index % queues.length]!];
  if (index < 0) return [];
  return Array.from({ length: shareWith + 1 }, (_, step) => members[(index + step) % members.length]!).flatMap(
    (member) => allocate(strategyName, queues, members, member) ?? [],
  );
}

const strategyOf = (name: string | null | undefined): Strategy | null =>
  name && Object.hasOwn(strategies, name) ? strategies[name]! : null;

/** Java: `MessageQueue.compareTo`. */
export const byQueue = (a: MessageQueue, b: MessageQueue): number =>
  byText(a.topic, b.topic) || byText(a.brokerName, b.brokerName) || a.queueId - b.queueId;

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
