/** The name server: registration, routes, key-value configuration. */

import { field } from '../field.js';
import { request, topicFields } from './define.js';

const { string, int, long, bool } = field;

export const namesrvRequests = {
  registerBroker: request(
    'REGISTER_BROKER',
    {
      brokerName: string(),
      brokerAddr: string(),
      clusterName: string(),
      haServerAddr: string(),
      brokerId: long(),
      heartbeatTimeoutMillis: long().optional(),
      enableActingMaster: bool().optional(),
      compressed: bool().default(false),
      bodyCrc32: int().default(0),
    },
    { haServerAddr: string().optional(), masterAddr: string().optional() },
  ),
  unregisterBroker: request('UNREGISTER_BROKER', {
    brokerName: string(),
    brokerAddr: string(),
    clusterName: string(),
    brokerId: long(),
  }),
  brokerHeartbeat: request('BROKER_HEARTBEAT', {
    clusterName: string(),
    brokerAddr: string(),
    brokerName: string(),
    brokerId: long().optional(),
    epoch: int().optional(),
    maxOffset: long().optional(),
    confirmOffset: long().optional(),
    heartbeatTimeoutMills: long().optional(),
    electionPriority: int().optional(),
  }),
  queryDataVersion: request(
    'QUERY_DATA_VERSION',
    { brokerName: string(), brokerAddr: string(), clusterName: string(), brokerId: long() },
    { changed: bool() },
  ),
  getBrokerMemberGroup: request('GET_BROKER_MEMBER_GROUP', { clusterName: string(), brokerName: string() }),
  getRouteinfoByTopic: request('GET_ROUTEINFO_BY_TOPIC', {
    topic: string(),
    acceptStandardJsonOnly: bool().optional(),
    ...topicFields,
  }),
  getBrokerClusterInfo: request('GET_BROKER_CLUSTER_INFO'),
  getAllTopicListFromNameserver: request('GET_ALL_TOPIC_LIST_FROM_NAMESERVER'),
  getTopicsByCluster: request('GET_TOPICS_BY_CLUSTER', { cluster: string() }),
  getSystemTopicListFromNs: request('GET_SYSTEM_TOPIC_LIST_FROM_NS'),
  getUnitTopicList: request('GET_UNIT_TOPIC_LIST'),
  getHasUnitSubTopicList: request('GET_HAS_UNIT_SUB_TOPIC_LIST'),
  getHasUnitSubUnunitTopicList: request('GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST'),
  registerTopicInNamesrv: request('REGISTER_TOPIC_IN_NAMESRV', { topic: string(), ...topicFields }),
  deleteTopicInNamesrv: request('DELETE_TOPIC_IN_NAMESRV', {
    topic: string(),
    clusterName: string().optional(),
    ...topicFields,
  }),
  wipeWritePermOfBroker: request('WIPE_WRITE_PERM_OF_BROKER', { brokerName: string() }, { wipeTopicCount: int() }),
  addWritePermOfBroker: request('ADD_WRITE_PERM_OF_BROKER', { brokerName: string() }, { addTopicCount: int() }),
  putKvConfig: request('PUT_KV_CONFIG', { namespace: string(), key: string(), value: string() }),
  getKvConfig: request('GET_KV_CONFIG', { namespace: string(), key: string() }, { value: string().optional() }),
  deleteKvConfig: request('DELETE_KV_CONFIG', { namespace: string(), key: string() }),
  getKvlistByNamespace: request('GET_KVLIST_BY_NAMESPACE', { namespace: string() }),
  updateNamesrvConfig: request('UPDATE_NAMESRV_CONFIG'),
  getNamesrvConfig: request('GET_NAMESRV_CONFIG'),
} as const;
