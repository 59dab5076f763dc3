/** Brokers of one group among themselves. */

import { field } from '../field.js';
import { request } from './define.js';

const { string, int, long } = field;

export const replicationRequests = {
  addBroker: request('ADD_BROKER', { configPath: string().optional() }),
  removeBroker: request('REMOVE_BROKER', { brokerName: string(), brokerClusterName: string(), brokerId: long() }),
  notifyMinBrokerIdChange: request('NOTIFY_MIN_BROKER_ID_CHANGE', {
    minBrokerId: long().optional(),
    brokerName: string().optional(),
    minBrokerAddr: string().optional(),
    offlineBrokerAddr: string().optional(),
    haBrokerAddr: string().optional(),
  }),
  exchangeBrokerHaInfo: request(
    'EXCHANGE_BROKER_HA_INFO',
    { masterHaAddress: string().optional(), masterFlushOffset: long().optional(), masterAddress: string().optional() },
    { masterHaAddress: string().optional(), masterFlushOffset: long().optional(), masterAddress: string().optional() },
  ),
  getBrokerHaStatus: request('GET_BROKER_HA_STATUS'),
  resetMasterFlushOffset: request('RESET_MASTER_FLUSH_OFFSET', { masterFlushOffset: long() }),
  getBrokerEpochCache: request('GET_BROKER_EPOCH_CACHE'),
  notifyBrokerRoleChanged: request('NOTIFY_BROKER_ROLE_CHANGED', {
    masterAddress: string().optional(),
    masterEpoch: int().optional(),
    syncStateSetEpoch: int().optional(),
    masterBrokerId: long().optional(),
  }),
} as const;
