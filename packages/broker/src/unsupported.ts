import { RequestCode, ResponseCode } from '@rocketnest/protocol';
import type { Processor } from '@rocketnest/remoting';
import { refuse } from './processors/row.js';

/** A request code that Apache's broker answers and this broker does not. */
export interface UnsupportedRequest {
  readonly code: number;
  /** The feature that is absent. */
  readonly why: string;
}

const {
  ADD_BROKER,
  REMOVE_BROKER,
  EXCHANGE_BROKER_HA_INFO,
  GET_BROKER_EPOCH_CACHE,
  NOTIFY_BROKER_ROLE_CHANGED,
  UPDATE_COLD_DATA_FLOW_CTR_CONFIG,
  REMOVE_COLD_DATA_FLOW_CTR_CONFIG,
  GET_COLD_DATA_FLOW_CTR_INFO,
  SET_COMMITLOG_READ_MODE,
  CHECK_ROCKSDB_CQ_WRITE_PROGRESS,
  EXPORT_ROCKSDB_CONFIG_TO_JSON,
  POP_ROLLBACK,
  CLEAN_BROKER_DATA,
  UPDATE_CONTROLLER_CONFIG,
  GET_CONTROLLER_CONFIG,
} = RequestCode;

const codesStarting = (prefix: string): number[] =>
  Object.entries(RequestCode).flatMap(([name, code]) => (name.startsWith(prefix) ? [code] : []));
const liteCodes = Object.entries(RequestCode).flatMap(([name, code]) =>
  (/LITE/.test(name) && code !== RequestCode.LITE_PULL_MESSAGE) || name === 'GET_PARENT_TOPIC_INFO' ? [code] : [],
);

/** What is absent, and the codes that belong to it. */
const absent: readonly (readonly [why: string, codes: readonly number[]])[] = [
  ['broker containers: a broker is a process of its own', [ADD_BROKER, REMOVE_BROKER]],
  ['replication: not available yet', [EXCHANGE_BROKER_HA_INFO]],
  [
    "controller mode: Apache's controller answers these",
    [
      GET_BROKER_EPOCH_CACHE,
      NOTIFY_BROKER_ROLE_CHANGED,
      CLEAN_BROKER_DATA,
      UPDATE_CONTROLLER_CONFIG,
      GET_CONTROLLER_CONFIG,
      ...codesStarting('CONTROLLER_'),
    ],
  ],
  [
    'cold data flow control: reading old messages never disturbs new ones here',
    [UPDATE_COLD_DATA_FLOW_CTR_CONFIG, REMOVE_COLD_DATA_FLOW_CTR_CONFIG, GET_COLD_DATA_FLOW_CTR_INFO],
  ],
  ['read-ahead of mapped files: files are not mapped into memory', [SET_COMMITLOG_READ_MODE]],
  [
    'RocksDB storage: settings, consume queues are in files',
    [CHECK_ROCKSDB_CQ_WRITE_PROGRESS, EXPORT_ROCKSDB_CONFIG_TO_JSON, POP_ROLLBACK],
  ],
  ['lite topics: not available', liteCodes],
  ['users and access control lists: not available yet', codesStarting('AUTH_')],
];

/** Everything that Apache's broker answers and this one refuses, and why. */
export const unsupportedRequests: readonly UnsupportedRequest[] = [
  ...new Map(absent.flatMap(([why, codes]) => codes.map((code) => [code, { code, why }]))).values(),
];

const reasons = new Map(unsupportedRequests.map(({ code, why }) => [code, why]));

/** Answers every code that has no processor (`AdminBrokerProcessor.getUnknownCmdResponse`). */
export const unsupported: Processor = (request) => {
  const why = reasons.get(request.code);
  const remark = ` request type ${request.code} not supported`;
  return refuse(
    request,
    ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
    why === undefined ? remark : `${remark}: it belongs to ${why}`,
  );
};
