import { decodeMessages, type MessageExt, PropertyName, type RemotingCommand } from '@rocketnest/protocol';
import { bodyOf } from '../../broker-api.js';
import { decompressBody } from '../../compression.js';
import type { MessageQueue } from '../../message-queue.js';
import type { PullHeader } from '../broker-link.js';
import { unwrapBatches } from '../inner-batch.js';

const CONSUME_START = PropertyName.CONSUME_START_TIMESTAMP;

/**
 * The messages of a pull's answer as consumers see them: unpacked, with queue and offset range, without those of other tags.
 * Java: PullAPIWrapper.processPullResult.
 * @param pullOffset the offset that was asked for
 * @param tagsSet tags the subscription names; empty when it is not by tags or takes all of them
 */
export function readMessages(
  response: RemotingCommand,
  header: PullHeader,
  tagsSet: readonly string[],
  { brokerName, queueId }: MessageQueue,
  pullOffset: number,
): MessageExt[] {
  const minOffset = String(header.minOffset);
  const maxOffset = String(header.maxOffset);
  const wanted: MessageExt[] = [];
  const stored = decodeMessages(bodyOf(response), { decompress: decompressBody });
  for (const message of unwrapBatches(stored, pullOffset - (header.offsetDelta ?? 0))) {
    const { properties } = message;
    // The broker compares hashes of tags only.
    if (tagsSet.length > 0 && !tagsSet.includes(properties[PropertyName.TAGS] ?? '')) continue;
    // Java stores it with messages it sends anew; here it would look like a handler that has been running since.
    if (CONSUME_START in properties) delete properties[CONSUME_START];
    properties[PropertyName.MIN_OFFSET] = minOffset;
    properties[PropertyName.MAX_OFFSET] = maxOffset;
    message.brokerName = brokerName;
    message.queueId = queueId;
    if (header.offsetDelta !== undefined) message.queueOffset += header.offsetDelta;
    wanted.push(message);
  }
  return wanted;
}
