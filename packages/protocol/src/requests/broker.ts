/** A broker itself: configuration, statistics, maintenance. */

import { field } from '../field.js';
import { request } from './define.js';

const { string, long } = field;

export const brokerRequests = {
  getBrokerConfig: request('GET_BROKER_CONFIG', {}, { version: string() }),
  updateBrokerConfig: request('UPDATE_BROKER_CONFIG'),
  getBrokerRuntimeInfo: request('GET_BROKER_RUNTIME_INFO'),
  viewBrokerStatsData: request('VIEW_BROKER_STATS_DATA', { statsName: string(), statsKey: string() }),
  getAllDelayOffset: request('GET_ALL_DELAY_OFFSET'),
  getTimerCheckPoint: request('GET_TIMER_CHECK_POINT'),
  getTimerMetrics: request('GET_TIMER_METRICS'),
  switchTimerEngine: request('SWITCH_TIMER_ENGINE'),
  checkRocksdbCqWriteProgress: request('CHECK_ROCKSDB_CQ_WRITE_PROGRESS', {
    topic: string(),
    checkStoreTime: long().default(0),
  }),
  exportRocksdbConfigToJson: request('EXPORT_ROCKSDB_CONFIG_TO_JSON', { configType: string() }),
  updateColdDataFlowCtrConfig: request('UPDATE_COLD_DATA_FLOW_CTR_CONFIG'),
  removeColdDataFlowCtrConfig: request('REMOVE_COLD_DATA_FLOW_CTR_CONFIG'),
  getColdDataFlowCtrInfo: request('GET_COLD_DATA_FLOW_CTR_INFO'),
  setCommitlogReadMode: request('SET_COMMITLOG_READ_MODE'),
} as const;
