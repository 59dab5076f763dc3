import { type MessageExt, PropertyName } from '@rocketnest/protocol';
import { type ConsumeContext, type ConsumeHooks, type ConsumeOutcome, failedOf } from '../consumer/outcome.js';
import { DEFAULT_REGION, type MessageTrace } from './message-trace.js';
import type { TracedReturn } from './trace-record.js';

/** What both records of a delivery say. Handlers may change their messages, so it is noted before. */
interface Delivery {
  readonly message: MessageExt;
  readonly topic: string;
  readonly msgId: string;
  readonly keys: string | undefined;
}

/** One handler call under way. */
interface Call {
  readonly requestId: string;
  readonly deliveries: readonly Delivery[];
}

/**
 * Traces what handlers get and how they end. Java: ConsumeMessageTraceHookImpl.
 * @param consumeTimeoutMs a handler that ran longer is recorded as timed out
 */
export function createConsumeTrace(trace: MessageTrace, consumeTimeoutMs: number): ConsumeHooks {
  const { instance } = trace;
  const { namespace } = instance;
  const calls = new WeakMap<ConsumeContext, Call>();
  return {
    before(messages, context) {
      // Brokers with traceOn=false mark their messages.
      const traced = messages.filter((message) => message.properties[PropertyName.TRACE_SWITCH] !== 'false');
      if (traced.length === 0) return;
      const group = namespace.unwrapGroup(context.group);
      const requestId = instance.nextMessageId();
      const timestamp = Date.now();
      const deliveries = traced.map((message): Delivery => {
        const topic = namespace.unwrapTopic(message.topic);
        const { msgId, properties } = message;
        const keys = properties[PropertyName.KEYS];
        const regionId = properties[PropertyName.MSG_REGION] || DEFAULT_REGION;
        const retryTimes = message.reconsumeTimes;
        trace.record(topic, { type: 'SubBefore', timestamp, regionId, group, requestId, msgId, retryTimes, keys });
        return { message, topic, msgId, keys };
      });
      calls.set(context, { requestId, deliveries });
    },

    after(messages, context, { outcome, error, durationMs }) {
      const call = calls.get(context);
      if (call === undefined) return;
      calls.delete(context);
      const timestamp = Date.now();
      const group = namespace.unwrapGroup(context.group);
      const costMs = Math.floor(durationMs / Math.max(1, messages.length));
      const timedOut = durationMs >= consumeTimeoutMs;
      const failed = new Set(outcome === undefined ? [] : failedOf(outcome, messages));
      for (const { message, topic, msgId, keys } of call.deliveries) {
        // Java says the same of all messages of a batch.
        const success = !failed.has(message);
        trace.record(topic, {
          type: 'SubAfter',
          requestId: call.requestId,
          msgId,
          costMs,
          success,
          keys,
          returnType: success ? returnTypeOf(undefined, undefined, timedOut) : returnTypeOf(outcome, error, timedOut),
          timestamp,
          group,
        });
      }
    },
  };
}

/** Java: the consume services, before they call hooks. */
function returnTypeOf(outcome: ConsumeOutcome | undefined, error: unknown, timedOut: boolean): TracedReturn {
  if (error !== undefined) return 'EXCEPTION';
  if (timedOut) return 'TIME_OUT';
  return outcome === undefined ? 'SUCCESS' : 'FAILED';
}
