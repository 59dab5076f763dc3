import type { MessageQueue } from '../../message-queue.js';
import type { BrokerLink } from '../broker-link.js';
import type { ConsumeFrom } from '../options.js';

/**
 * Gives a group that has no offset in these queues the one that `consumeFrom` means, before it pops them for the first time. By
 * itself a broker begins a little before the end of a queue, or at its beginning if that is still in memory, and knows no date.
 * Rejects when a broker cannot be asked.
 */
export async function setFirstOffsets(
  queues: readonly MessageQueue[],
  consumeFrom: ConsumeFrom,
  brokers: BrokerLink,
): Promise<void> {
  // The broker does that by itself.
  if (consumeFrom === 'FIRST_OFFSET') return;
  await Promise.all(
    queues.map(async (queue) => {
      if ((await brokers.committedOffset(queue)) !== null) return;
      const offset =
        consumeFrom === 'LAST_OFFSET'
          ? await brokers.maxOffset(queue)
          : await brokers.searchOffset(queue, consumeFrom.getTime());
      // Another member that starts in this moment may have been quicker, and have popped from there.
      if ((await brokers.committedOffset(queue)) === null) await brokers.commitOffset(queue, offset, true);
    }),
  );
}
