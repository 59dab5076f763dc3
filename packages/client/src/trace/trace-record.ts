import { ProtocolError } from '@rocketnest/protocol';

/** Kind of a traced message. Java: MessageType.getShortName. */
export type TracedMessageType = 'Normal' | 'Trans' | 'TransCommit' | 'Delay' | 'Order';

/** How a handler call ended. Java: ConsumeReturnType. */
export type TracedReturn = 'SUCCESS' | 'TIME_OUT' | 'EXCEPTION' | 'RETURNNULL' | 'FAILED';

/** What a record of either kind says about its message. */
interface TracedMessage {
  readonly msgId: string;
  /** Business keys, separated by spaces. */
  readonly keys?: string | undefined;
}

/** A message was sent: the broker has it. */
export interface PubTrace extends TracedMessage {
  readonly type: 'Pub';
  /** When the send began, ms since 1970. */
  readonly timestamp: number;
  readonly regionId: string;
  readonly group: string;
  readonly topic: string;
  readonly tags?: string | undefined;
  /** "host:port" of the broker. */
  readonly storeHost: string;
  /** Bytes. */
  readonly bodyLength: number;
  /** ms */
  readonly costMs: number;
  readonly messageType: TracedMessageType;
  readonly offsetMsgId?: string | undefined;
  /** Stored as durably as the broker is configured for (SEND_OK). */
  readonly success: boolean;
  /** Written by clients of other makes only; else the sender of the trace message tells. */
  readonly clientHost?: string | undefined;
}

/** A handler is about to get a message. */
export interface SubBeforeTrace extends TracedMessage {
  readonly type: 'SubBefore';
  /** ms since 1970. */
  readonly timestamp: number;
  readonly regionId: string;
  readonly group: string;
  /** Joins this record with the SubAfter of the same handler call. */
  readonly requestId: string;
  /** Deliveries before this one. */
  readonly retryTimes: number;
}

/** A handler is done with a message. */
export interface SubAfterTrace extends TracedMessage {
  readonly type: 'SubAfter';
  readonly requestId: string;
  /** Time of the handler call divided by its messages, ms. */
  readonly costMs: number;
  readonly success: boolean;
  readonly returnType?: TracedReturn | undefined;
  /** ms since 1970. Like `group` not written by clients before 4.9. */
  readonly timestamp?: number | undefined;
  readonly group?: string | undefined;
}

/** A transaction was decided, by its producer at once or when the broker asked. */
export interface EndTransactionTrace extends TracedMessage {
  readonly type: 'EndTransaction';
  /** ms since 1970. */
  readonly timestamp: number;
  readonly regionId: string;
  readonly group: string;
  readonly topic: string;
  readonly tags?: string | undefined;
  /** "host:port" of the broker. */
  readonly storeHost: string;
  readonly messageType: TracedMessageType;
  readonly transactionId?: string | undefined;
  readonly transactionState: 'COMMIT' | 'ROLLBACK' | 'UNKNOWN';
  /** The broker had asked for it. */
  readonly fromTransactionCheck: boolean;
}

/** A timed message was taken back. */
export interface RecallTrace extends TracedMessage {
  readonly type: 'Recall';
  /** ms since 1970. */
  readonly timestamp: number;
  readonly regionId: string;
  readonly group: string;
  readonly topic: string;
  readonly success: boolean;
}

/** One step in the life of a message, as clients write it to the trace topic. Java: TraceContext and TraceBean. */
export type TraceRecord = PubTrace | SubBeforeTrace | SubAfterTrace | EndTransactionTrace | RecallTrace;
export type TraceType = TraceRecord['type'];

/** Between the fields of a record, and after each record. Java: TraceConstants.CONTENT_SPLITOR and FIELD_SPLITOR. */
const FIELD_END = '\x01';
const RECORD_END = '\x02';
/** What Java's StringBuilder makes of a missing text. Its decoder needs it: it cannot read a record that ends in nothing. */
const NOTHING = 'null';

interface Kind {
  write(value: never): string;
  read(text: string, key: string): unknown;
}

function refuse(key: string, text: string): never {
  throw new ProtocolError(`A trace record has ${key} "${text.slice(0, 40)}", which it cannot have.`, {
    context: { key, text },
  });
}

const text: Kind = { write: (value: string) => value, read: (word) => (word === NOTHING ? '' : word) };
const optionalText: Kind = {
  write: (value: string | undefined) => value ?? NOTHING,
  read: (word) => (word === NOTHING || word === '' ? undefined : word),
};
const integer: Kind = {
  write: (value: number) => String(value),
  read: (word, key) => (/^-?\d{1,16}$/.test(word) ? Number(word) : refuse(key, word)),
};
const flag: Kind = { write: (value: boolean) => String(value), read: (word) => word.toLowerCase() === 'true' };
/** A word of ours for each word on the wire. */
const words = (table: Readonly<Record<string, string>>): Kind => {
  const wireOf = new Map(Object.entries(table).map(([wire, word]) => [word, wire]));
  return { write: (word: string) => wireOf.get(word)!, read: (wire, key) => table[wire] ?? refuse(key, wire) };
};

const kinds = {
  timestamp: integer,
  regionId: text,
  group: text,
  topic: text,
  msgId: text,
  tags: optionalText,
  keys: optionalText,
  storeHost: text,
  bodyLength: integer,
  costMs: integer,
  // Java writes the ordinals of these two enums.
  messageType: words({ 0: 'Normal', 1: 'Trans', 2: 'TransCommit', 3: 'Delay', 4: 'Order' }),
  returnType: words({ 0: 'SUCCESS', 1: 'TIME_OUT', 2: 'EXCEPTION', 3: 'RETURNNULL', 4: 'FAILED' }),
  offsetMsgId: optionalText,
  clientHost: optionalText,
  success: flag,
  requestId: text,
  retryTimes: integer,
  transactionId: optionalText,
  transactionState: words({ COMMIT_MESSAGE: 'COMMIT', ROLLBACK_MESSAGE: 'ROLLBACK', UNKNOW: 'UNKNOWN' }),
  fromTransactionCheck: flag,
} satisfies Record<string, Kind>;

type Key = keyof typeof kinds;
type Layout = readonly Key[];

const pub = [
  'timestamp',
  'regionId',
  'group',
  'topic',
  'msgId',
  'tags',
  'keys',
  'storeHost',
  'bodyLength',
  'costMs',
  'messageType',
] as const;
const subAfter = ['requestId', 'msgId', 'costMs', 'success', 'keys'] as const;

/** The fields of each record after its type, in order. The first layout is written; the others are those of other clients. */
const layouts: Readonly<Record<TraceType, readonly Layout[]>> = {
  Pub: [
    [...pub, 'offsetMsgId', 'success'],
    [...pub, 'offsetMsgId', 'success', 'clientHost'],
    [...pub, 'success'],
  ],
  SubBefore: [['timestamp', 'regionId', 'group', 'requestId', 'msgId', 'retryTimes', 'keys']],
  SubAfter: [[...subAfter, 'returnType', 'timestamp', 'group'], [...subAfter, 'returnType'], subAfter],
  EndTransaction: [
    [
      'timestamp',
      'regionId',
      'group',
      'topic',
      'msgId',
      'tags',
      'keys',
      'storeHost',
      'messageType',
      'transactionId',
      'transactionState',
      'fromTransactionCheck',
    ],
  ],
  Recall: [['timestamp', 'regionId', 'group', 'topic', 'msgId', 'success']],
};

/** The record as Java writes it. Java: TraceDataEncoder.encoderFromContextBean. */
export function encodeTraceRecord(record: TraceRecord): string {
  const values = record as unknown as Readonly<Record<Key, never>>;
  let data: string = record.type;
  for (const key of layouts[record.type][0]!) data += FIELD_END + kinds[key].write(values[key]);
  return data + RECORD_END;
}

/** Words by which the trace message of a record is found: the message's id and its keys. */
export function traceKeys({ msgId, keys }: TraceRecord): string[] {
  return keys === undefined ? [msgId] : [msgId, ...keys.split(' ').filter((key) => key !== '')];
}

/**
 * The records in the body of a trace message; those of types we do not know are left out.
 * Java: TraceDataEncoder.decoderFromTraceDataString.
 * @throws ProtocolError when a record of a known type is malformed
 */
export function decodeTraceData(data: string): TraceRecord[] {
  return data.split(RECORD_END).flatMap((line) => {
    const [type, ...fields] = line.split(FIELD_END);
    if (type === undefined || !Object.hasOwn(layouts, type)) return [];
    return [decodeRecord(type as TraceType, fields)];
  });
}

function decodeRecord(type: TraceType, fields: readonly string[]): TraceRecord {
  const fitting = layouts[type].filter((layout) => layout.length <= fields.length);
  if (fitting.length === 0) {
    throw new ProtocolError(`A trace record of type ${type} has only ${fields.length} fields.`, { context: { type } });
  }
  // Newer clients may write more fields: those we know are still in their places.
  const layout = fitting.reduce((longest, other) => (other.length > longest.length ? other : longest));
  const record: Record<string, unknown> = { type };
  for (const [index, key] of layout.entries()) {
    const value = kinds[key].read(fields[index]!, key);
    if (value !== undefined) record[key] = value;
  }
  return record as unknown as TraceRecord;
}
