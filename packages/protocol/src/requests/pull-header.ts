/** The headers of pulls, and their codec: a consumer that has much to read sends thousands a second. */

import { type DecodedFields, type FieldCodec, field } from '../field.js';
import { parseBoolean, parseInt32, parseSafeInteger } from '../text-values.js';
import { topicFields } from './define.js';

const { string, int, long } = field;

/** PULL_MESSAGE and LITE_PULL_MESSAGE differ in their code only. Java: `PullMessageRequestHeader`. */
export const pullFields = {
  consumerGroup: string(),
  topic: string(),
  liteTopic: string().optional(),
  queueId: int(),
  queueOffset: long(),
  maxMsgNums: int(),
  sysFlag: int(),
  commitOffset: long(),
  suspendTimeoutMillis: long(),
  subscription: string().optional(),
  subVersion: long(),
  expressionType: string().optional(),
  maxMsgBytes: int().optional(),
  requestSource: int().optional(),
  proxyFrowardClientId: string().optional(),
  ...topicFields,
};

/** Java: `PullMessageResponseHeader`. */
export const pullResponseFields = {
  suggestWhichBrokerId: long(),
  nextBeginOffset: long(),
  minOffset: long(),
  maxOffset: long(),
  offsetDelta: long().optional(),
  topicSysFlag: int().optional(),
  groupSysFlag: int().optional(),
  forbiddenType: int().optional(),
};

export const pullCodec: FieldCodec<typeof pullFields> = {
  decode(texts: Readonly<Record<string, string | undefined>>): DecodedFields<typeof pullFields> | undefined {
    const { consumerGroup, topic, lo, nsd, oway } = texts;
    const queueId = parseInt32(texts['queueId']);
    const queueOffset = parseSafeInteger(texts['queueOffset']);
    const maxMsgNums = parseInt32(texts['maxMsgNums']);
    const sysFlag = parseInt32(texts['sysFlag']);
    const commitOffset = parseSafeInteger(texts['commitOffset']);
    const suspendTimeoutMillis = parseSafeInteger(texts['suspendTimeoutMillis']);
    const subVersion = parseSafeInteger(texts['subVersion']);
    const maxMsgBytes = texts['maxMsgBytes'] === undefined ? undefined : parseInt32(texts['maxMsgBytes']);
    const requestSource = texts['requestSource'] === undefined ? undefined : parseInt32(texts['requestSource']);
    // One that is NaN makes NaN of all.
    const numbers =
      queueId +
      queueOffset +
      maxMsgNums +
      sysFlag +
      commitOffset +
      suspendTimeoutMillis +
      subVersion +
      (maxMsgBytes ?? 0) +
      (requestSource ?? 0);
    if (consumerGroup === undefined || topic === undefined || Number.isNaN(numbers)) return undefined;
    return {
      consumerGroup,
      topic,
      liteTopic: texts['liteTopic'],
      queueId,
      queueOffset,
      maxMsgNums,
      sysFlag,
      commitOffset,
      suspendTimeoutMillis,
      subscription: texts['subscription'],
      subVersion,
      expressionType: texts['expressionType'],
      maxMsgBytes,
      requestSource,
      proxyFrowardClientId: texts['proxyFrowardClientId'],
      lo: lo === undefined ? undefined : parseBoolean(lo),
      ns: texts['ns'],
      nsd: nsd === undefined ? undefined : parseBoolean(nsd),
      bname: texts['bname'],
      oway: oway === undefined ? undefined : parseBoolean(oway),
    };
  },
};
