/** The headers that every message sent needs, and their codecs. */

import { type DecodedFields, type FieldCodec, type FieldInput, field } from '../field.js';
import { parseBoolean, parseInt32, parseSafeInteger } from '../text-values.js';
import { topicFields } from './define.js';

const { string, int, long, bool } = field;

/** Java: `SendMessageRequestHeader`. */
export const sendFields = {
  producerGroup: string(),
  topic: string(),
  defaultTopic: string(),
  defaultTopicQueueNums: int(),
  queueId: int(),
  sysFlag: int(),
  bornTimestamp: long(),
  flag: int(),
  properties: string().optional(),
  reconsumeTimes: int().optional(),
  unitMode: bool().optional(),
  maxReconsumeTimes: int().optional(),
  batch: bool().optional(),
  ...topicFields,
};

/** The same fields under one-letter names, which Java's JSON parser reads faster. Java: `SendMessageRequestHeaderV2`. */
export const shortNames = {
  producerGroup: 'a',
  topic: 'b',
  defaultTopic: 'c',
  defaultTopicQueueNums: 'd',
  queueId: 'e',
  sysFlag: 'f',
  bornTimestamp: 'g',
  flag: 'h',
  properties: 'i',
  reconsumeTimes: 'j',
  unitMode: 'k',
  maxReconsumeTimes: 'l',
  batch: 'm',
  bname: 'n',
};

/** Java: `SendMessageResponseHeader`. */
export const sendResponse = {
  msgId: string(),
  queueId: int(),
  queueOffset: long(),
  transactionId: string().optional(),
  batchUniqId: string().optional(),
  recallHandle: string().optional(),
};

type SendFields = typeof sendFields;
type SendResponse = typeof sendResponse;
type Texts = Readonly<Record<string, string | undefined>>;

/** Of the fields under their short names. */
export const shortNamesCodec: FieldCodec<SendFields> = {
  decode(texts: Texts): DecodedFields<SendFields> | undefined {
    const { a, b, c, i, j, k, l, m, n, lo, nsd, oway } = texts;
    const defaultTopicQueueNums = parseInt32(texts['d']);
    const queueId = parseInt32(texts['e']);
    const sysFlag = parseInt32(texts['f']);
    const bornTimestamp = parseSafeInteger(texts['g']);
    const flag = parseInt32(texts['h']);
    const reconsumeTimes = j === undefined ? undefined : parseInt32(j);
    const maxReconsumeTimes = l === undefined ? undefined : parseInt32(l);
    // One that is NaN makes NaN of all.
    const numbers =
      defaultTopicQueueNums +
      queueId +
      sysFlag +
      bornTimestamp +
      flag +
      (reconsumeTimes ?? 0) +
      (maxReconsumeTimes ?? 0);
    if (a === undefined || b === undefined || c === undefined || Number.isNaN(numbers)) return undefined;
    return {
      producerGroup: a,
      topic: b,
      defaultTopic: c,
      defaultTopicQueueNums,
      queueId,
      sysFlag,
      bornTimestamp,
      flag,
      properties: i,
      reconsumeTimes,
      unitMode: k === undefined ? undefined : parseBoolean(k),
      maxReconsumeTimes,
      batch: m === undefined ? undefined : parseBoolean(m),
      lo: lo === undefined ? undefined : parseBoolean(lo),
      ns: texts['ns'],
      nsd: nsd === undefined ? undefined : parseBoolean(nsd),
      bname: n,
      oway: oway === undefined ? undefined : parseBoolean(oway),
    };
  },

  /** What a producer of ours sends. */
  encode(values: FieldInput<SendFields>): Record<string, string> | undefined {
    const { producerGroup, topic, defaultTopic, defaultTopicQueueNums, queueId, sysFlag, bornTimestamp, flag } = values;
    const { properties, reconsumeTimes, unitMode, batch, bname } = values;
    const isUsual =
      values.maxReconsumeTimes == null &&
      values.lo == null &&
      values.ns == null &&
      values.nsd == null &&
      values.oway == null &&
      typeof producerGroup === 'string' &&
      typeof topic === 'string' &&
      typeof defaultTopic === 'string' &&
      typeof properties === 'string' &&
      typeof bname === 'string' &&
      typeof unitMode === 'boolean' &&
      typeof batch === 'boolean' &&
      isInt32(defaultTopicQueueNums) &&
      isInt32(queueId) &&
      isInt32(sysFlag) &&
      Number.isSafeInteger(bornTimestamp) &&
      isInt32(flag) &&
      isInt32(reconsumeTimes);
    if (!isUsual) return undefined;
    return {
      a: producerGroup,
      b: topic,
      c: defaultTopic,
      d: String(defaultTopicQueueNums),
      e: String(queueId),
      f: String(sysFlag),
      g: String(bornTimestamp),
      h: String(flag),
      i: properties,
      j: String(reconsumeTimes),
      k: String(unitMode),
      m: String(batch),
      n: bname,
    };
  },
};

export const sendResponseCodec: FieldCodec<SendResponse> = {
  decode(texts: Texts): DecodedFields<SendResponse> | undefined {
    const { msgId, transactionId, batchUniqId, recallHandle } = texts;
    const queueId = parseInt32(texts['queueId']);
    const queueOffset = parseSafeInteger(texts['queueOffset']);
    if (msgId === undefined || Number.isNaN(queueId + queueOffset)) return undefined;
    return { msgId, queueId, queueOffset, transactionId, batchUniqId, recallHandle };
  },
};

function isInt32(value: unknown): value is number {
  return typeof value === 'number' && value === (value | 0);
}
