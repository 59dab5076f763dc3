import { SystemTopic } from '@rocketnest/protocol';
import { type Options, type OptionTable, option } from '../options.js';

/** Rows of every component that can be traced. Java: ClientConfig. */
export const traceOptionTable = {
  traceEnable: option
    .boolean({
      java: 'enableTrace',
      doc: 'Write a record of every message sent or consumed to the trace topic, where consoles and `admin.traces` find it. Brokers need the topic: traceTopicEnable=true creates it.',
    })
    .default(false),
  traceTopic: option
    .string({ doc: 'Topic for trace records; a topic of your own instead of the system one.' })
    .default(SystemTopic.TRACE),
  traceMsgBatchNum: option
    .integer(
      { min: 1, max: 20 },
      {
        unit: 'records',
        doc: 'Records that make a trace message; fewer are sent after 5 s, and on close.',
      },
    )
    .default(10),
} satisfies OptionTable;

export type TraceOptions = Options<typeof traceOptionTable>;
