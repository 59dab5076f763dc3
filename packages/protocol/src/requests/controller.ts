/** The controller (used, not re-implemented). */

import { field } from '../field.js';
import { request } from './define.js';

const { string, int, long, bool } = field;

export const controllerRequests = {
  controllerAlterSyncStateSet: request(
    'CONTROLLER_ALTER_SYNC_STATE_SET',
    {
      brokerName: string().optional(),
      masterBrokerId: long().optional(),
      masterEpoch: int().optional(),
      invokeTime: long().optional(),
    },
    { newSyncStateSetEpoch: int().default(0) },
  ),
  controllerElectMaster: request(
    'CONTROLLER_ELECT_MASTER',
    {
      clusterName: string(),
      brokerName: string(),
      brokerId: long(),
      designateElect: bool(),
      invokeTime: long().optional(),
    },
    {
      masterBrokerId: long().optional(),
      masterAddress: string().optional(),
      masterEpoch: int().optional(),
      syncStateSetEpoch: int().optional(),
    },
  ),
  controllerRegisterBroker: request(
    'CONTROLLER_REGISTER_BROKER',
    {
      clusterName: string().optional(),
      brokerName: string().optional(),
      brokerId: long().optional(),
      brokerAddress: string().optional(),
      invokeTime: long().optional(),
    },
    {
      clusterName: string().optional(),
      brokerName: string().optional(),
      masterBrokerId: long().optional(),
      masterAddress: string().optional(),
      masterEpoch: int().optional(),
      syncStateSetEpoch: int().optional(),
    },
  ),
  controllerGetReplicaInfo: request(
    'CONTROLLER_GET_REPLICA_INFO',
    { brokerName: string().optional() },
    { masterBrokerId: long().optional(), masterAddress: string().optional(), masterEpoch: int().optional() },
  ),
  controllerGetMetadataInfo: request(
    'CONTROLLER_GET_METADATA_INFO',
    {},
    {
      group: string().optional(),
      controllerLeaderId: string().optional(),
      controllerLeaderAddress: string().optional(),
      isLeader: bool().default(false),
      peers: string().optional(),
    },
  ),
  controllerGetSyncStateData: request('CONTROLLER_GET_SYNC_STATE_DATA'),
  controllerGetNextBrokerId: request(
    'CONTROLLER_GET_NEXT_BROKER_ID',
    { clusterName: string().optional(), brokerName: string().optional() },
    { clusterName: string().optional(), brokerName: string().optional(), nextBrokerId: long().optional() },
  ),
  controllerApplyBrokerId: request(
    'CONTROLLER_APPLY_BROKER_ID',
    {
      clusterName: string().optional(),
      brokerName: string().optional(),
      appliedBrokerId: long().optional(),
      registerCheckCode: string().optional(),
    },
    { clusterName: string().optional(), brokerName: string().optional() },
  ),
  cleanBrokerData: request('CLEAN_BROKER_DATA', {
    clusterName: string().optional(),
    brokerName: string(),
    brokerControllerIdsToClean: string().optional(),
    isCleanLivingBroker: bool().default(false),
    invokeTime: long().optional(),
  }),
  updateControllerConfig: request('UPDATE_CONTROLLER_CONFIG'),
  getControllerConfig: request('GET_CONTROLLER_CONFIG'),
} as const;
