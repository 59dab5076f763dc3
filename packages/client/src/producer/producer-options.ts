import { SystemTopic } from '@rocketnest/protocol';
import { compressionTypes } from '../compression.js';
import {
  clientOptionTable,
  groupOption,
  type Options,
  type OptionsInput,
  type OptionTable,
  option,
} from '../options.js';
import { traceOptionTable } from '../trace/trace-options.js';
import { isSendHook, type SendHook } from './send-hook.js';

/** Options of Producer and TransactionProducer. Java: DefaultMQProducer. */
export const producerOptionTable = {
  ...clientOptionTable,
  group: groupOption,
  ...traceOptionTable,
  sendTimeoutMs: option
    .integer(
      { min: 1 },
      {
        unit: 'ms',
        java: 'sendMsgTimeout',
        doc: 'Budget of one send: waiting for a free slot, route lookup and all attempts together.',
      },
    )
    .default(3_000),
  attemptTimeoutMs: option.integer(
    { min: 1 },
    {
      unit: 'ms',
      java: 'sendMsgMaxTimeoutPerRequest',
      doc: 'Limit of one attempt that may still be repeated, so that a broker that hangs leaves time for another. Default: what is left of the budget.',
    },
  ),
  retryTimes: option
    .integer(
      { min: 0, max: 100 },
      {
        java: 'retryTimesWhenSendFailed',
        doc: 'How often a failed send is repeated, on another broker if there is one. A repeat after a timeout may store the message twice.',
      },
    )
    .default(2),
  maxMessageBytes: option
    .integer(
      { min: 1 },
      {
        unit: 'bytes',
        java: 'maxMessageSize',
        doc: 'Largest body of a message, and of a batch before it is split. The broker has its own limit (maxMessageSize).',
      },
    )
    .default(4 * 1024 * 1024),
  compressOverBytes: option
    .integer(
      { min: 0 },
      {
        unit: 'bytes',
        java: 'compressMsgBodyOverHowmuch',
        doc: 'Bodies of at least this size are compressed; batches never are.',
      },
    )
    .default(4 * 1024),
  compressType: option
    .oneOf(compressionTypes, {
      doc: 'How bodies are compressed. ZSTD needs Node 22.15 or later here. Consumers before 5.0 read ZLIB only.',
    })
    .default('ZLIB'),
  compressLevel: option
    .integer({ min: 0, max: 9 }, { java: 'compressLevel', doc: 'Level of ZLIB and ZSTD: 1 fastest, 9 smallest.' })
    .default(5),
  maxInFlightSends: option
    .integer(
      { min: 1 },
      {
        java: 'backPressureForAsyncSendNum',
        doc: 'Sends that may wait for a broker at once; more wait in line within their own budget. Apache brokers refuse sends that queue there for over 200 ms (waitTimeMillsInSendQueue), so more is not always faster.',
      },
    )
    .default(1_024),
  maxInFlightBytes: option
    .integer(
      { min: 1 },
      {
        unit: 'bytes',
        java: 'backPressureForAsyncSendSize',
        doc: 'Body bytes of the sends that wait for a broker at once. A larger single message is sent alone.',
      },
    )
    .default(32 * 1024 * 1024),
  autoBatch: option
    .boolean({
      doc: 'Collects single messages of a topic for a short time and sends them as one batch. Messages with a delay or a priority, in a transaction, to a retry topic, replies, and sends with a timeout, statuses or a signal of their own go alone.',
    })
    .default(false),
  batchMaxDelayMs: option
    .integer({ min: 1, max: 30_000 }, { unit: 'ms', doc: 'autoBatch: how long a message waits for others.' })
    .default(10),
  batchMaxBytes: option
    .integer(
      { min: 1, max: 2 * 1024 * 1024 },
      { unit: 'bytes', doc: 'autoBatch: body bytes at which a batch is sent without waiting longer.' },
    )
    .default(32 * 1024),
  totalBatchMaxBytes: option
    .integer(
      { min: 1 },
      {
        unit: 'bytes',
        doc: 'autoBatch: body bytes in all batches that wait or are under way; beyond it messages are sent one by one.',
      },
    )
    .default(32 * 1024 * 1024),
  retryAnotherBrokerWhenNotStoreOk: option
    .boolean({
      java: 'retryAnotherBrokerWhenNotStoreOK',
      doc: 'A message stored less durably than configured (FLUSH_DISK_TIMEOUT, FLUSH_SLAVE_TIMEOUT, SLAVE_NOT_AVAILABLE) is sent once more, to another broker: it may then be there twice.',
    })
    .default(false),
  createTopicKey: option
    .string({
      doc: 'Topic whose route is used for a topic that does not exist, where brokers create topics on demand (autoCreateTopicEnable).',
    })
    .default(SystemTopic.AUTO_CREATE_TOPIC_KEY),
  defaultTopicQueueNums: option
    .integer(
      { min: 1 },
      { unit: 'queues per broker', doc: 'Queues of a topic created on demand; the broker may cap it.' },
    )
    .default(4),
  latencyFaultEnable: option
    .boolean({
      java: 'sendLatencyFaultEnable',
      doc: 'Avoids slow and failing brokers for a while for all sends, not only within one send.',
    })
    .default(false),
  startDetectorEnable: option
    .boolean({
      doc: 'With latencyFaultEnable: asks brokers that did not answer whether they do again, so that they are used again before a send has to try.',
    })
    .default(false),
  detectTimeoutMs: option
    .integer({ min: 1 }, { unit: 'ms', java: 'detectTimeout', doc: 'How long the detector waits for an answer.' })
    .default(200),
  detectIntervalMs: option
    .integer({ min: 10 }, { unit: 'ms', java: 'detectInterval', doc: 'How often the detector asks each such broker.' })
    .default(2_000),
  closeTimeoutMs: option
    .integer({ min: 0 }, { unit: 'ms', doc: 'How long close() waits for sends under way before it fails them.' })
    .default(5_000),
  hooks: option
    .list<SendHook>('objects with functions beforeSend, afterSend, checkForbidden, endTransaction', isSendHook, {
      doc: 'Called around every send, before every attempt and with the decision of every transaction: tracing, metrics, audit, vetoes.',
    })
    .default([]),
} satisfies OptionTable;

export type ProducerOptionsInput = OptionsInput<typeof producerOptionTable>;
export type ProducerOptions = Options<typeof producerOptionTable>;
