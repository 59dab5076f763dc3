import type { Namespace } from '../namespace.js';
import type { OutgoingMessage } from './outgoing-message.js';
import type { SendOptions } from './send-options.js';
import type { SendResult } from './send-result.js';

type Messages = OutgoingMessage | readonly OutgoingMessage[];

/**
 * Runs `send` with the names of a namespace and gives its result, or its error, back with the user's names. Producers without a
 * namespace do not come here.
 */
export async function sendNamespaced<M extends Messages, R>(
  namespace: Namespace,
  messages: M,
  options: SendOptions,
  send: (messages: M, options: SendOptions) => Promise<R>,
): Promise<R> {
  // A reply goes to a topic of the cluster, which no namespace has for itself.
  const wrap = (message: OutgoingMessage): OutgoingMessage =>
    typeof message?.topic === 'string' && message.replyTo === undefined
      ? { ...message, topic: namespace.wrapTopic(message.topic) }
      : message;
  try {
    const wrapped = Array.isArray(messages) ? messages.map(wrap) : wrap(messages as OutgoingMessage);
    const result = await send(wrapped as M, wrapOptions(namespace, options));
    return isSendResult(result) ? { ...result, queue: namespace.unwrapQueue(result.queue) } : result;
  } catch (error) {
    throw namespace.explain(error);
  }
}

function wrapOptions(namespace: Namespace, options: SendOptions): SendOptions {
  const { queue, selector } = options;
  return {
    ...options,
    queue: queue && namespace.wrapQueue(queue),
    selector:
      selector &&
      ((queues, message) =>
        selector(namespace.unwrapQueues(queues), { ...message, topic: namespace.unwrapTopic(message.topic) })),
  };
}

const isSendResult = (result: unknown): result is SendResult =>
  typeof result === 'object' && result !== null && 'queue' in result;
