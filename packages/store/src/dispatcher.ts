import { decodeProperties } from '@rocketnest/protocol';
import type { ConsumeQueues } from './consume-queues.js';
import type { DelayLevels } from './delay-level.js';
import { type DispatchRequest, entersConsumeQueue, entryTagsCode, messageCountOf } from './dispatch.js';
import type { IndexService } from './index-service.js';
import type { PendingPut } from './put.js';
import type { MessageArrivedListener, StoreLogger } from './types.js';

/**
 * Hands messages that are in the log to consume queues, index and listener, in log order. Java: `ReputMessageService`, which reads
 * them back from the log; here they are still in memory.
 */
export class Dispatcher {
  listener: MessageArrivedListener | null = null;
  /** The newest dispatched message. */
  readonly last = { commitLogOffset: 0, storeTimestamp: 0 };
  /** Messages dispatched since the start. */
  count = 0;

  constructor(
    private readonly queues: ConsumeQueues,
    private readonly index: IndexService,
    private readonly delayLevels: DelayLevels,
    private readonly logger: StoreLogger,
  ) {}

  dispatch(put: PendingPut): void {
    const { message, offsets } = put;
    if (!offsets) {
      this.dispatchOne(put, put.commitLogOffset, put.bytes, put.queueOffset, message.properties);
      return;
    }
    offsets.forEach((offset, i) => {
      const end = offsets[i + 1] ?? put.end;
      const properties = decodeProperties(message.batch![i]!.propertiesData);
      this.dispatchOne(put, offset, end - offset, put.queueOffset + i, properties);
    });
  }

  private dispatchOne(
    put: PendingPut,
    commitLogOffset: number,
    size: number,
    queueOffset: number,
    properties: Readonly<Record<string, string>>,
  ): void {
    const { message, queue, storeTimestamp } = put;
    const { topic, queueId, sysFlag } = message;
    const tagsCode = entryTagsCode(topic, properties, storeTimestamp, this.delayLevels);
    const request: DispatchRequest = {
      topic,
      queueId,
      commitLogOffset,
      size,
      tagsCode,
      storeTimestamp,
      queueOffset,
      messageCount: put.offsets ? 1 : messageCountOf(properties),
      sysFlag,
      properties,
    };
    const consumed = entersConsumeQueue(sysFlag);
    if (consumed) this.queues.append(queue, request);
    this.index.put(request);
    this.count++;
    this.last.commitLogOffset = commitLogOffset;
    this.last.storeTimestamp = storeTimestamp;
    if (!consumed || !this.listener) return;
    try {
      this.listener(topic, queueId, queueOffset + request.messageCount, tagsCode, storeTimestamp, () => properties);
    } catch (error) {
      this.logger.error('message arrival listener threw', { topic, queueId, queueOffset, error });
    }
  }
}
