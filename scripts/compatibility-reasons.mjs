// Why RocketNest does not answer a request code, or has no result for an mqadmin command. The compatibility page shows the
// reason; what is neither answered nor listed here is shown as missing.

const ABSENT = {
  controller: "controller mode: not available (Apache's controller answers these)",
  auth: 'users and ACLs: not available yet',
  rocksdb: 'RocksDB storage: not available',
  cold: 'cold data flow control: not available',
  lite: 'lite topics: not available',
  container: 'broker container: not available',
  replication: 'replication: not available yet',
};
const TO_CLIENT = 'sent by brokers to clients';
const NOBODY = 'answered by no server of Apache 5.5.0 either';

/** Reason → names of request codes. */
const requests = {
  [TO_CLIENT]: [
    'CHECK_TRANSACTION_STATE',
    'NOTIFY_CONSUMER_IDS_CHANGED',
    'RESET_CONSUMER_CLIENT_OFFSET',
    'GET_CONSUMER_STATUS_FROM_CLIENT',
    'PUSH_REPLY_MESSAGE_TO_CLIENT',
  ],
  [NOBODY]: [
    'QUERY_BROKER_OFFSET',
    'GET_TOPIC_CONFIG_LIST',
    'GET_TOPIC_NAME_LIST',
    'TRIGGER_DELETE_FILES',
    'GET_CLIENT_CONFIG',
    'SUSPEND_CONSUMER',
    'RESUME_CONSUMER',
    'RESET_CONSUMER_OFFSET_IN_CONSUMER',
    'RESET_CONSUMER_OFFSET_IN_BROKER',
    'ADJUST_CONSUMER_THREAD_POOL',
    'WHO_CONSUME_THE_MESSAGE',
    'REGISTER_FILTER_SERVER',
    'REGISTER_MESSAGE_FILTER_CLASS',
  ],
  [ABSENT.container]: ['ADD_BROKER', 'REMOVE_BROKER'],
  [ABSENT.replication]: [
    'NOTIFY_MIN_BROKER_ID_CHANGE',
    'EXCHANGE_BROKER_HA_INFO',
    'GET_BROKER_HA_STATUS',
    'RESET_MASTER_FLUSH_OFFSET',
  ],
  [ABSENT.controller]: [
    'CONTROLLER_ALTER_SYNC_STATE_SET',
    'CONTROLLER_ELECT_MASTER',
    'CONTROLLER_REGISTER_BROKER',
    'CONTROLLER_GET_REPLICA_INFO',
    'CONTROLLER_GET_METADATA_INFO',
    'CONTROLLER_GET_SYNC_STATE_DATA',
    'GET_BROKER_EPOCH_CACHE',
    'NOTIFY_BROKER_ROLE_CHANGED',
    'UPDATE_CONTROLLER_CONFIG',
    'GET_CONTROLLER_CONFIG',
    'CLEAN_BROKER_DATA',
    'CONTROLLER_GET_NEXT_BROKER_ID',
    'CONTROLLER_APPLY_BROKER_ID',
    'BROKER_CLOSE_CHANNEL_REQUEST',
    'CHECK_NOT_ACTIVE_BROKER_REQUEST',
    'GET_BROKER_LIVE_INFO_REQUEST',
    'GET_SYNC_STATE_DATA_REQUEST',
    'RAFT_BROKER_HEART_BEAT_EVENT_REQUEST',
  ],
  [ABSENT.cold]: [
    'UPDATE_COLD_DATA_FLOW_CTR_CONFIG',
    'REMOVE_COLD_DATA_FLOW_CTR_CONFIG',
    'GET_COLD_DATA_FLOW_CTR_INFO',
    'SET_COMMITLOG_READ_MODE',
  ],
  [ABSENT.rocksdb]: ['CHECK_ROCKSDB_CQ_WRITE_PROGRESS', 'EXPORT_ROCKSDB_CONFIG_TO_JSON', 'SWITCH_TIMER_ENGINE'],
  [ABSENT.lite]: [
    'POP_LITE_MESSAGE',
    'LITE_SUBSCRIPTION_CTL',
    'ACK_LITE_MESSAGE',
    'NOTIFY_UNSUBSCRIBE_LITE',
    'GET_BROKER_LITE_INFO',
    'GET_PARENT_TOPIC_INFO',
    'GET_LITE_TOPIC_INFO',
    'GET_LITE_CLIENT_INFO',
    'GET_LITE_GROUP_INFO',
    'TRIGGER_LITE_DISPATCH',
  ],
  [ABSENT.auth]: [
    'AUTH_CREATE_USER',
    'AUTH_UPDATE_USER',
    'AUTH_DELETE_USER',
    'AUTH_GET_USER',
    'AUTH_LIST_USER',
    'AUTH_CREATE_ACL',
    'AUTH_UPDATE_ACL',
    'AUTH_DELETE_ACL',
    'AUTH_GET_ACL',
    'AUTH_LIST_ACL',
  ],
};

/** Reason → mqadmin commands. */
const commands = {
  [ABSENT.container]: ['addBroker', 'removeBroker'],
  [ABSENT.replication]: ['haStatus', 'resetMasterFlushOffset'],
  [ABSENT.controller]: [
    'cleanBrokerMetadata',
    'electMaster',
    'getBrokerEpoch',
    'getControllerConfig',
    'getControllerMetaData',
    'getSyncStateSet',
    'updateControllerConfig',
  ],
  [ABSENT.cold]: [
    'getColdDataFlowCtrInfo',
    'removeColdDataFlowCtrGroupConfig',
    'setCommitLogReadAheadMode',
    'updateColdDataFlowCtrGroupConfig',
  ],
  [ABSENT.rocksdb]: [
    'checkRocksdbCqWriteProgress',
    'exportMetadataInRocksDB',
    'exportPopRecord',
    'rocksDBConfigToJson',
    'switchTimerEngine',
  ],
  [ABSENT.lite]: [
    'getBrokerLiteInfo',
    'getLiteClientInfo',
    'getLiteGroupInfo',
    'getLiteTopicInfo',
    'getParentTopicInfo',
    'triggerLiteDispatch',
  ],
  [ABSENT.auth]: [
    'copyAcl',
    'copyUser',
    'createAcl',
    'createUser',
    'deleteAcl',
    'deleteUser',
    'getAcl',
    'getUser',
    'listAcl',
    'listUser',
    'updateAcl',
    'updateUser',
  ],
  'reads compacted log files on the local disk, sends nothing': ['dumpCompactionLog'],
};

const invert = (table) =>
  new Map(Object.entries(table).flatMap(([reason, names]) => names.map((name) => [name, reason])));

export const requestReasons = invert(requests);
export const commandReasons = invert(commands);
