export type { TraceStats } from './trace-dispatcher.js';
export {
  decodeTraceData,
  type EndTransactionTrace,
  type PubTrace,
  type RecallTrace,
  type SubAfterTrace,
  type SubBeforeTrace,
  type TracedMessageType,
  type TracedReturn,
  type TraceRecord,
  type TraceType,
} from './trace-record.js';
