import { hostToString, NoRouteError, SystemTopic } from '@rocketnest/protocol';
import {
  decodeTraceData,
  type EndTransactionTrace,
  type PubTrace,
  type RecallTrace,
  type SubAfterTrace,
  type SubBeforeTrace,
  type TracedReturn,
  type TraceRecord,
} from '../trace/trace-record.js';
import type { BrokerFailure } from './gathered.js';
import type { MessageAdmin } from './messages.js';

export interface TraceQuery {
  /** Default: RMQ_SYS_TRACE_TOPIC. */
  readonly traceTopic?: string;
  /** At most this many trace messages per broker. Default 64, as mqadmin. */
  readonly max?: number;
  /** Trace messages stored at or after, ms since 1970. Default 0. */
  readonly begin?: number;
  /** Trace messages stored before, ms since 1970. Default: no limit. */
  readonly end?: number;
}

/** One delivery of a message to a handler. What is missing has no record: yet, or any more. */
export interface TracedDelivery {
  readonly requestId: string;
  /** ms since 1970. */
  readonly startedAt?: number;
  /** ms since 1970. */
  readonly endedAt?: number;
  /** ms */
  readonly costMs?: number;
  /** Absent while no end is recorded: it runs, or its consumer died. */
  readonly success?: boolean;
  readonly returnType?: TracedReturn;
  /** Deliveries before this one. */
  readonly retryTimes?: number;
  /** "host:port" the record came from. */
  readonly clientHost: string;
}

/** What one consumer group did with a message. */
export interface TracedConsumption {
  readonly group: string;
  /** In the order of their start. */
  readonly deliveries: readonly TracedDelivery[];
}

/** A record and the "host:port" of the client that wrote it. */
export type Traced<T extends TraceRecord> = T & { readonly clientHost: string };

/** The life of one message as its producer and consumers wrote it down. */
export interface MessageTraceView {
  readonly msgId: string;
  /** More than one when the same id was sent again. */
  readonly sends: readonly Traced<PubTrace>[];
  readonly transactions: readonly Traced<EndTransactionTrace>[];
  readonly recalls: readonly Traced<RecallTrace>[];
  readonly consumptions: readonly TracedConsumption[];
  /** Brokers that did not answer: there may be more. */
  readonly failures: readonly BrokerFailure[];
  /** Trace messages that could not be read. */
  readonly unreadable: number;
  /** Why there is nothing, and what to do about it; absent when there is something. */
  readonly explanation?: string;
}

/** Message traces: what clients with traceEnable wrote about their messages. Java: QueryMsgTraceByIdSubCommand, TraceView. */
export class TraceAdmin {
  constructor(private readonly messages: MessageAdmin) {}

  /** The trace of one message, by the client's id (SendResult.msgId). */
  async byMessageId(msgId: string, query: TraceQuery = {}): Promise<MessageTraceView> {
    const views = await this.find(msgId, query, (record) => record.msgId === msgId);
    return views.traces[0] ?? { msgId, ...NOTHING, ...views.rest, explanation: views.explanation };
  }

  /** The traces of the messages with a business key, oldest first; `explanation` says why there are none. */
  async byKey(
    key: string,
    query: TraceQuery = {},
  ): Promise<{ readonly traces: readonly MessageTraceView[]; readonly explanation?: string }> {
    const { traces, explanation } = await this.find(
      key,
      query,
      (record) => record.keys?.split(' ').includes(key) === true,
    );
    // A record of a recall has no keys, nor has a batch's: ask again by id.
    const complete = await Promise.all(traces.map(({ msgId }) => this.byMessageId(msgId, query)));
    return traces.length > 0 ? { traces: complete } : { traces: [], explanation };
  }

  private async find(key: string, query: TraceQuery, wanted: (record: TraceRecord) => boolean): Promise<Found> {
    const { traceTopic = SystemTopic.TRACE, max = 64, ...range } = query;
    const records = new Map<string, Traced<TraceRecord>[]>();
    const seen = new Set<string>();
    let unreadable = 0;
    let failures: readonly BrokerFailure[] = [];
    let explanation = `No record of ${key} in topic ${traceTopic}. Its producer and consumers write records with traceEnable=true only, up to 5 s late; records live as long as other messages (fileReservedTime).`;
    try {
      const found = await this.messages.byKey(traceTopic, key, { max, ...range });
      failures = found.failures;
      for (const message of found.items) {
        const clientHost = hostToString(message.bornHost);
        try {
          for (const record of decodeTraceData(message.body.toString())) {
            // A trace message whose first sending timed out may be there twice.
            const same = JSON.stringify(record);
            if (!wanted(record) || seen.has(same)) continue;
            seen.add(same);
            const of = records.get(record.msgId) ?? [];
            of.push({ ...record, clientHost: ('clientHost' in record && record.clientHost) || clientHost });
            records.set(record.msgId, of);
          }
        } catch {
          unreadable++;
        }
      }
    } catch (error) {
      if (!(error instanceof NoRouteError)) throw error;
      explanation = `There is no trace topic ${traceTopic}. Start the brokers with traceTopicEnable=true, or create the topic, and have clients write records with traceEnable=true.`;
    }
    const rest = { failures, unreadable };
    const traces = [...records].map(([msgId, of]) => ({ msgId, ...arrange(of), ...rest }));
    const began = (view: MessageTraceView): number => view.sends[0]?.timestamp ?? Number.MAX_SAFE_INTEGER;
    return { traces: traces.sort((a, b) => began(a) - began(b)), rest, explanation };
  }
}

interface Found {
  readonly traces: MessageTraceView[];
  readonly rest: Pick<MessageTraceView, 'failures' | 'unreadable'>;
  readonly explanation: string;
}

type Steps = Pick<MessageTraceView, 'sends' | 'transactions' | 'recalls' | 'consumptions'>;
const NOTHING: Steps = { sends: [], transactions: [], recalls: [], consumptions: [] };

/** Sorts the records of one message and joins beginnings and ends of deliveries. */
function arrange(records: readonly Traced<TraceRecord>[]): Steps {
  const ofType = <T extends TraceRecord>(type: T['type']): Traced<T>[] =>
    (records.filter((record) => record.type === type) as Traced<T>[]).sort(
      (a, b) => (a.timestamp ?? 0) - (b.timestamp ?? 0),
    );
  return {
    sends: ofType<PubTrace>('Pub'),
    transactions: ofType<EndTransactionTrace>('EndTransaction'),
    recalls: ofType<RecallTrace>('Recall'),
    consumptions: consumptionsOf(ofType<SubBeforeTrace>('SubBefore'), ofType<SubAfterTrace>('SubAfter')),
  };
}

function consumptionsOf(
  begins: readonly Traced<SubBeforeTrace>[],
  ends: readonly Traced<SubAfterTrace>[],
): TracedConsumption[] {
  const endOf = new Map(ends.map((end) => [end.requestId, end]));
  const groups = new Map<string, TracedDelivery[]>();
  const add = (group: string, delivery: TracedDelivery): void => {
    const deliveries = groups.get(group) ?? [];
    deliveries.push(delivery);
    groups.set(group, deliveries);
  };
  for (const { group, requestId, timestamp, retryTimes, clientHost } of begins) {
    const end = endOf.get(requestId);
    endOf.delete(requestId);
    add(group, { requestId, startedAt: timestamp, retryTimes, clientHost, ...outcomeOf(end) });
  }
  // Ends whose beginning is lost or has expired.
  for (const end of endOf.values()) {
    add(end.group ?? '', { requestId: end.requestId, clientHost: end.clientHost, ...outcomeOf(end) });
  }
  return [...groups].map(([group, deliveries]) => ({ group, deliveries }));
}

function outcomeOf(end: SubAfterTrace | undefined): Partial<TracedDelivery> {
  if (end === undefined) return {};
  const { timestamp, costMs, success, returnType } = end;
  return {
    costMs,
    success,
    ...(timestamp === undefined ? {} : { endedAt: timestamp }),
    ...(returnType === undefined ? {} : { returnType }),
  };
}
