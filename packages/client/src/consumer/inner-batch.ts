import { decodeBatchBody, decodeProperties, type MessageExt, MessageSysFlag, PropertyName } from '@rocketnest/protocol';

const INNER_BATCH = MessageSysFlag.INNER_BATCH | MessageSysFlag.NEED_UNWRAP;
const isInnerBatch = ({ sysFlag }: MessageExt): boolean => (sysFlag & INNER_BATCH) === INNER_BATCH;

/**
 * Takes apart batches that the broker keeps as one message (topics of `queue.type` BatchCQ); other messages stay as they are.
 * A pull from within a batch brings all of it: what is before `from` was consumed already and is left out.
 * Java: `PullAPIWrapper.processPullResult`, `MessageDecoder.decodeMessage`.
 */
export function unwrapBatches(messages: readonly MessageExt[], from: number): readonly MessageExt[] {
  if (!messages.some(isInnerBatch)) return messages;
  return messages.flatMap((batch) => {
    if (!isInnerBatch(batch)) return batch;
    const inner = decodeBatchBody(batch.body).map(({ flag, body, propertiesData }, index): MessageExt => {
      const properties = decodeProperties(propertiesData);
      const msgId = properties[PropertyName.UNIQ_KEY] ?? batch.offsetMsgId;
      return { ...batch, queueOffset: batch.queueOffset + index, flag, body, properties, msgId };
    });
    return inner.filter(({ queueOffset }) => queueOffset >= from);
  });
}
