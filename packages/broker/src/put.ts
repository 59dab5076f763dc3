import { isRetryTopic, MessageSysFlag, PropertyName, TIMER_TOPIC, transactionValue } from '@rocketnest/protocol';
import { isTimed, type PutResult, PutStatus, type StoreMessage } from '@rocketnest/store';
import type { BrokerContext } from './context.js';

/** A topic's name is stored with a one-byte length; only retry topics may use all of it (`HookUtils.MAX_TOPIC_LENGTH`). */
const MAX_TOPIC_BYTES = 127;
const MAX_RETRY_TOPIC_BYTES = 255;

/** The rules that hold for every message on its way into the store (`HookUtils`). See {@link BrokerContext.putMessage}. */
export function createPutMessage(
  context: Pick<BrokerContext, 'store' | 'delay' | 'timers' | 'stats' | 'clock'>,
): BrokerContext['putMessage'] {
  return (message, done) => {
    const maxTopicBytes = isRetryTopic(message.topic) ? MAX_RETRY_TOPIC_BYTES : MAX_TOPIC_BYTES;
    if (message.topic.length > maxTopicBytes) {
      done(refused(PutStatus.MESSAGE_ILLEGAL), 0);
      return;
    }
    const transaction = transactionValue(message.sysFlag);
    if (transaction === MessageSysFlag.TRANSACTION_NOT || transaction === MessageSysFlag.TRANSACTION_COMMIT) {
      const level = delayLevelOf(message);
      const timed = isTimed(message.properties);
      if (level > 0) {
        if (timed) for (const name of timerProperties) delete message.properties[name]; // the level wins
        context.delay.divert(message, level);
      } else if (timed && !isWaiting(message)) {
        const refusal = context.timers.divert(message);
        if (refusal !== null) return done(refused(refusal), 0);
      }
    }
    const startedAt = context.clock.now();
    context.stats.storing();
    context.store.put(message, (result) => {
      const tookMs = context.clock.now() - startedAt;
      context.stats.stored(result, tookMs);
      done(result, tookMs);
    });
  };
}

const timerProperties = [PropertyName.TIMER_DELIVER_MS, PropertyName.TIMER_DELAY_SEC, PropertyName.TIMER_DELAY_MS];

/** On its way back from the timer topic, or within it; or a client batch, whose messages have no time of their own. */
const isWaiting = ({ topic, properties, batch }: StoreMessage): boolean =>
  topic === TIMER_TOPIC || properties[PropertyName.TIMER_OUT_MS] !== undefined || batch !== undefined;

/** The delay level a message asks for; 0 for none. */
export function delayLevelOf(message: StoreMessage): number {
  const text = message.properties[PropertyName.DELAY];
  return text === undefined ? 0 : Number.parseInt(text, 10) || 0;
}

const refused = (status: PutResult['status']): PutResult => ({
  status,
  commitLogOffset: -1,
  queueOffset: -1,
  msgIds: '',
  storeTimestamp: 0,
  bytes: 0,
  messageCount: 0,
});
