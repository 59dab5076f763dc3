import type { ConsumeMessageDirectlyResult, MessageExt } from '@rocketnest/protocol';
import type { MessageQueue } from '../message-queue.js';
import type { HandlerCall } from './handler-call.js';

/**
 * CONSUME_MESSAGE_DIRECTLY: an operator has one message handled here, now, outside of any queue. Nothing is acknowledged or sent
 * back. Java: consumeMessageDirectly of the consume services.
 */
export async function consumeDirectly(
  calls: HandlerCall,
  message: MessageExt,
  queue: MessageQueue,
  orderly: boolean,
): Promise<ConsumeMessageDirectlyResult> {
  message.brokerName = queue.brokerName;
  const began = Date.now();
  const result = (consumeResult: ConsumeMessageDirectlyResult['consumeResult'], remark?: string) => ({
    order: orderly,
    autoCommit: true,
    consumeResult,
    ...(remark === undefined ? {} : { remark }),
    spentTimeMills: Date.now() - began,
  });
  try {
    const outcome = await calls.invokeForResult([message], queue);
    return result(outcome === undefined ? 'CR_SUCCESS' : 'CR_LATER');
  } catch (error) {
    return result('CR_THROW_EXCEPTION', String(error));
  }
}
