/** Bodies about a broker itself. */

import {
  bodyCodec,
  bool,
  int,
  listOrEmpty,
  long,
  object,
  optional,
  orEmpty,
  type Parsed,
  record,
  str,
  withDefault,
} from './shape.js';

const epochCacheFields = {
  clusterName: optional(str),
  brokerName: optional(str),
  brokerId: withDefault(long, 0),
  epochList: listOrEmpty(
    object({
      epoch: withDefault(int, 0),
      startOffset: withDefault(long, 0),
      /** The largest integer while the epoch lasts. */
      endOffset: withDefault(long, Number.MAX_SAFE_INTEGER),
    }),
  ),
  maxOffset: withDefault(long, 0),
};
/** GET_BROKER_EPOCH_CACHE: who was master for which part of the commit log. Java: `EpochEntryCache`. */
export type EpochCache = Parsed<typeof epochCacheFields>;
export const { encode: encodeEpochCache, parse: parseEpochCache } = bodyCodec('EpochEntryCache', epochCacheFields);

const coldDataFields = {
  /** Group → what it read from cold files in the last seconds. */
  runtimeTable: orEmpty(
    record(
      object({
        coldAcc: withDefault(long, 0),
        createTimeMills: withDefault(long, 0),
        lastColdReadTimeMills: withDefault(long, 0),
      }),
    ),
  ),
  /** Group → bytes it may read from cold files. */
  configTable: orEmpty(record(long)),
  /** Bytes a group without an entry may read. */
  cgColdReadThreshold: withDefault(long, 0),
  globalColdReadThreshold: withDefault(long, 0),
  globalAcc: withDefault(long, 0),
};
/** GET_COLD_DATA_FLOW_CTR_INFO. Java: `ColdDataCgCtrService.getColdDataFlowCtrInfo`. */
export type ColdDataFlow = Parsed<typeof coldDataFields>;
export const { encode: encodeColdDataFlow, parse: parseColdDataFlow } = bodyCodec(
  'ColdDataFlowCtrInfo',
  coldDataFields,
);

const replica = object({
  brokerName: optional(str),
  brokerId: withDefault(long, 0),
  brokerAddress: optional(str),
  alive: withDefault(bool, false),
});
const brokerReplicasFields = {
  /** Broker name → its replicas. */
  replicasInfoTable: orEmpty(
    record(
      object({
        masterBrokerId: optional(long),
        masterAddress: optional(str),
        masterEpoch: withDefault(int, 0),
        syncStateSetEpoch: withDefault(int, 0),
        inSyncReplicas: listOrEmpty(replica),
        notInSyncReplicas: listOrEmpty(replica),
      }),
    ),
  ),
};
/** CONTROLLER_GET_SYNC_STATE_DATA. Java: `BrokerReplicasInfo`. */
export type BrokerReplicas = Parsed<typeof brokerReplicasFields>;
export const { encode: encodeBrokerReplicas, parse: parseBrokerReplicas } = bodyCodec(
  'BrokerReplicasInfo',
  brokerReplicasFields,
);
