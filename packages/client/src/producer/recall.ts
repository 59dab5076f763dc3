import { ConfigurationError, decodeRecallHandle, type RecallHandle, Requests } from '@rocketnest/protocol';
import type { ClientInstance } from '../instance.js';
import type { MessageTrace } from '../trace/message-trace.js';
import { traceRecall } from '../trace/send-trace.js';
import type { ProducerOptions } from './producer-options.js';

/** Java: DefaultMQProducerImpl.recallMessage. @param options with the group as brokers know it */
export async function recallMessage(
  instance: ClientInstance,
  options: ProducerOptions,
  trace: { readonly of: MessageTrace | undefined; readonly group: string },
  topic: string,
  recallHandle: string,
): Promise<string> {
  const handle = readRecallHandle(recallHandle);
  const { brokerName } = handle;
  await instance.routes.findToPublish(topic, options.createTopicKey, options.defaultTopicQueueNums);
  const broker = instance.findBrokerAddress(brokerName, { onlyMaster: true });
  if (broker === undefined) throw instance.routes.noRoute(topic);
  const request = { producerGroup: options.group, topic, recallHandle, brokerName };
  const calling = instance.api.call(broker.address, Requests.recallMessage, request, {
    timeoutMs: options.sendTimeoutMs,
  });
  const { fields } = await traceRecall(trace.of, trace.group, handle, calling);
  return fields.msgId;
}

function readRecallHandle(recallHandle: string): RecallHandle {
  try {
    return decodeRecallHandle(recallHandle);
  } catch (cause) {
    throw new ConfigurationError('recallHandle is none: pass the one of the SendResult of a message with a time', {
      cause,
      context: { recallHandle },
    });
  }
}
