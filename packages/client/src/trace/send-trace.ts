import { type FieldMap, PropertyName, type RecallHandle, ResponseError, SendError } from '@rocketnest/protocol';
import type { CallResult } from '../broker-api.js';
import type { SendHook, SendHookContext, SendOutcome } from '../producer/send-hook.js';
import type { SendResult } from '../producer/send-result.js';
import { DEFAULT_REGION, type MessageTrace } from './message-trace.js';
import type { TracedMessageType } from './trace-record.js';

const TYPE_OF_KIND: Readonly<Partial<Record<SendHookContext['kind'], TracedMessageType>>> = {
  transaction: 'Trans',
  delay: 'Delay',
};

/**
 * Traces what a producer sends and decides. A send that no broker answered leaves no record, as in Java: nobody knows whether the
 * message exists. Java: SendMessageTraceHookImpl, EndTransactionTraceHookImpl.
 */
export function createSendTrace(trace: MessageTrace): SendHook {
  const { instance } = trace;
  const { namespace } = instance;
  return {
    afterSend(context, outcome) {
      const result = storedResult(outcome);
      if (result === undefined || result.traceOn === false) return;
      const topic = namespace.unwrapTopic(context.topic);
      const offsetMsgIds = result.offsetMsgId.split(',');
      // The messages of a batch were sent together; each is looked for by its own id.
      for (const [index, msgId] of result.msgId.split(',').entries()) {
        const one = context.messages?.[index];
        const properties = one?.properties ?? context.properties;
        trace.record(topic, {
          type: 'Pub',
          timestamp: Date.now() - Math.floor(outcome.elapsedMs),
          regionId: result.regionId ?? DEFAULT_REGION,
          group: namespace.unwrapGroup(context.group),
          topic,
          msgId,
          tags: properties[PropertyName.TAGS],
          keys: properties[PropertyName.KEYS],
          storeHost: instance.findBrokerAddress(result.queue.brokerName)?.address ?? result.queue.brokerName,
          bodyLength: one?.body.length ?? context.bodyBytes,
          costMs: Math.floor(outcome.elapsedMs),
          messageType: TYPE_OF_KIND[context.kind] ?? 'Normal',
          offsetMsgId: offsetMsgIds[index] ?? result.offsetMsgId,
          success: result.status === 'SEND_OK',
        });
      }
    },

    endTransaction(context) {
      const { msgId, transactionId, properties } = context;
      const topic = namespace.unwrapTopic(context.topic);
      trace.record(topic, {
        type: 'EndTransaction',
        timestamp: Date.now(),
        regionId: properties[PropertyName.MSG_REGION] || DEFAULT_REGION,
        group: namespace.unwrapGroup(context.group),
        topic,
        msgId,
        tags: properties[PropertyName.TAGS],
        keys: properties[PropertyName.KEYS],
        storeHost: context.brokerAddress,
        messageType: 'TransCommit',
        transactionId,
        transactionState: context.state,
        fromTransactionCheck: context.fromTransactionCheck,
      });
    },
  };
}

/** A message that is stored, but less durably than wanted, rejects the send; it exists all the same. */
function storedResult({ result, error }: SendOutcome): SendResult | undefined {
  return result ?? (error instanceof SendError ? (error.context['result'] as SendResult | undefined) : undefined);
}

/** Runs a recall and notes what it came to, once a broker has answered. Java: DefaultRecallMessageTraceHook. */
export async function traceRecall<R extends CallResult<FieldMap>>(
  trace: MessageTrace | undefined,
  group: string,
  { topic, messageId }: RecallHandle,
  recall: Promise<R>,
): Promise<R> {
  const note = (success: boolean, regionId = DEFAULT_REGION): void =>
    trace?.record(topic, {
      type: 'Recall',
      timestamp: Date.now(),
      regionId,
      group,
      topic: trace.instance.namespace.unwrapTopic(topic),
      msgId: messageId,
      success,
    });
  try {
    const result = await recall;
    note(true, result.response.extFields[PropertyName.MSG_REGION]);
    return result;
  } catch (error) {
    if (error instanceof ResponseError) note(false);
    throw error;
  }
}
