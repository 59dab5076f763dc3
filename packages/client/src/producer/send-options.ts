import type { MessageQueue } from '../message-queue.js';
import type { QueueSelector } from './queue-selector.js';
import type { SendStatus } from './send-result.js';

/** How one send is done. */
export interface SendOptions {
  /** Budget of this send in ms. Default: the producer's sendTimeoutMs. */
  readonly timeoutMs?: number | undefined;
  /**
   * Same key, same queue, so that consumers can see the messages in order. Await each send before the next of its key: an Apache
   * broker serves requests of one connection in parallel.
   */
  readonly shardingKey?: string | undefined;
  /** Send to this queue and no other. */
  readonly queue?: MessageQueue | undefined;
  /** Chooses the queue; asked again when a send is repeated. */
  readonly selector?: QueueSelector | undefined;
  /** Statuses that count as success. Default: only SEND_OK. */
  readonly acceptStatuses?: readonly SendStatus[] | undefined;
  /** Aborting rejects the promise; the broker may store the message nevertheless. */
  readonly signal?: AbortSignal | undefined;
}
