// Why RocketNest does not answer a request code or support an mqadmin command. The compatibility page shows the reason; what is
// neither answered nor listed here is shown as missing.

const ABSENT = {
  controller: "controller mode: not available (Apache's controller answers these)",
  auth: 'users and ACLs: not available yet',
  rocksdb: 'RocksDB storage: not available',
  cold: 'cold data flow control: not available',
  lite: 'lite topics: not available',
  container: 'broker container: not available',
};

/** Reason → names of request codes. What Apache's broker answers and ours does not is in the broker's own table. */
const requests = {
  'sent by brokers to clients': [
    'CHECK_TRANSACTION_STATE',
    'NOTIFY_CONSUMER_IDS_CHANGED',
    'RESET_CONSUMER_CLIENT_OFFSET',
    'GET_CONSUMER_STATUS_FROM_CLIENT',
    'PUSH_REPLY_MESSAGE_TO_CLIENT',
  ],
  'answered by no server of Apache 5.5.0 either': [
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
  "events within Apache's controller": [
    'BROKER_CLOSE_CHANNEL_REQUEST',
    'CHECK_NOT_ACTIVE_BROKER_REQUEST',
    'GET_BROKER_LIVE_INFO_REQUEST',
    'GET_SYNC_STATE_DATA_REQUEST',
    'RAFT_BROKER_HEART_BEAT_EVENT_REQUEST',
  ],
};

/** Reason → mqadmin commands. Some of them print no more than `error` of an answer that says so. */
const commands = {
  [ABSENT.container]: ['addBroker', 'removeBroker'],
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
};

const invert = (table) =>
  new Map(Object.entries(table).flatMap(([reason, names]) => names.map((name) => [name, reason])));

export const requestReasons = invert(requests);
export const commandReasons = invert(commands);
