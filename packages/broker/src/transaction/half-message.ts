import {
  encodeProperties,
  type Host,
  type MessageExt,
  MessageSysFlag,
  PropertyName,
  SystemTopic,
  withTransactionValue,
} from '@rocketnest/protocol';
import { copyOfStored, type StoreMessage } from '@rocketnest/store';

/** Consumer group under which the positions in the half and op queues are kept (`MixAll.CID_SYS_RMQ_TRANS`). */
export const TRANSACTION_GROUP = 'CID_RMQ_SYS_TRANS';
/** Tag of op messages, which list finished half messages (`TransactionalMessageUtil.REMOVE_TAG`). */
const REMOVE_TAG = 'd';
/** Property that carries the transaction id through the half topic (`TransactionalMessageUtil.TRANSACTION_ID`). */
const TRANSACTION_ID = '__transactionId__';

/** Turns a prepared message into a half message, in place (`TransactionalMessageBridge.parseHalfMessageInner`). */
export function toHalf(message: StoreMessage): void {
  const uniqueKey = message.properties[PropertyName.UNIQ_KEY];
  message.properties = {
    ...message.properties,
    ...(uniqueKey ? { [TRANSACTION_ID]: uniqueKey } : {}),
    [PropertyName.REAL_TOPIC]: message.topic,
    [PropertyName.REAL_QUEUE_ID]: String(message.queueId),
  };
  message.propertiesData = undefined;
  message.sysFlag = withTransactionValue(message.sysFlag, MessageSysFlag.TRANSACTION_NOT);
  message.topic = SystemTopic.TRANS_HALF;
  message.queueId = 0;
}

/** A half message to be stored again behind the others, with changed properties (`renewHalfMessageInner`). */
export const renewed = (half: MessageExt, changes: Readonly<Record<string, string>>): StoreMessage => ({
  ...copyOf(half),
  topic: half.topic,
  queueId: half.queueId,
  properties: { ...half.properties, ...changes },
});

/** The half message as consumers get it after commit (`EndTransactionProcessor.endMessageTransaction`). */
export function committed(half: MessageExt): StoreMessage {
  const stored = { ...half.properties };
  delete stored[PropertyName.REAL_TOPIC];
  delete stored[PropertyName.REAL_QUEUE_ID];
  const properties = { ...stored };
  delete properties[PropertyName.TRANSACTION_PREPARED];
  return {
    ...copyOf(half),
    topic: half.properties[PropertyName.REAL_TOPIC] ?? '',
    queueId: Number(half.properties[PropertyName.REAL_QUEUE_ID]),
    properties,
    // Consumers see TRAN_MSG like on Apache's broker, which encodes the properties before it drops this one.
    propertiesData: Buffer.from(encodeProperties(stored)),
    sysFlag: withTransactionValue(half.sysFlag, MessageSysFlag.TRANSACTION_COMMIT),
    preparedTransactionOffset: half.commitLogOffset,
  };
}

/** A half message that nobody decided: kept where an operator finds it (`DefaultTransactionalMessageCheckListener`). */
export const discarded = (half: MessageExt): StoreMessage => ({
  ...copyOf(half),
  topic: SystemTopic.TRANS_CHECK_MAX_TIME,
  queueId: 0,
  properties: half.properties,
});

/** The record that half messages are finished: their queue offsets, each followed by a comma (`getOpMessage`). */
export const opMessage = (
  halfOffsets: readonly number[],
  uniqueKey: string,
  now: number,
  host: Host,
): StoreMessage => ({
  topic: SystemTopic.TRANS_OP_HALF,
  queueId: 0,
  body: Buffer.from(halfOffsets.map((offset) => `${offset},`).join('')),
  flag: 0,
  properties: { [PropertyName.TAGS]: REMOVE_TAG, [PropertyName.UNIQ_KEY]: uniqueKey },
  sysFlag: 0,
  bornTimestamp: now,
  bornHost: host,
  storeHost: host,
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  waitStoreOk: false,
});

/** The half offsets in an op message, or none when it is not one (`fillOpRemoveMap`). */
export const finishedIn = (op: MessageExt): number[] =>
  op.properties[PropertyName.TAGS] === REMOVE_TAG
    ? op.body.toString('utf8').split(',').filter(Boolean).map(Number).filter(Number.isSafeInteger)
    : [];

const copyOf = (half: MessageExt): ReturnType<typeof copyOfStored> => ({ ...copyOfStored(half), waitStoreOk: false });
