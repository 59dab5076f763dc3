import type { MessageExt } from '@rocketnest/protocol';
import type { StoreMessage } from './types.js';

/** What a stored message keeps when it is stored once more, elsewhere: all but its place and its properties. */
export const copyOfStored = (message: MessageExt): Omit<StoreMessage, 'topic' | 'queueId' | 'properties'> => ({
  body: message.body,
  flag: message.flag ?? 0,
  sysFlag: message.sysFlag,
  bornTimestamp: message.bornTimestamp,
  bornHost: message.bornHost,
  storeHost: message.storeHost,
  reconsumeTimes: message.reconsumeTimes,
  preparedTransactionOffset: 0,
});
