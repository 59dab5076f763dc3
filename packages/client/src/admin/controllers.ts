import {
  type BrokerReplicas,
  parseBrokerReplicas,
  parseProperties,
  Requests,
  ResponseCode,
  ResponseError,
} from '@rocketnest/protocol';
import type { BrokersOf } from './brokers-of.js';
import { changeAll, type Gathered, gather } from './gathered.js';
import { encodeProperties, type Properties } from './properties.js';

/** The group of controllers one of them belongs to. Java: GetMetaDataResponseHeader. */
export interface ControllerMetadata {
  readonly group: string;
  readonly leaderId: string;
  /** "host:port" */
  readonly leaderAddress: string;
  /** The controller that was asked leads. */
  readonly isLeader: boolean;
  /** As configured: `n0-host:port;n1-host:port`. */
  readonly peers: string;
}

/** Who is master of a broker, and which replicas have everything. */
export type SyncState = BrokerReplicas['replicasInfoTable'][string];

/** The outcome of an election. */
export interface ElectedMaster {
  readonly masterBrokerId: number | undefined;
  readonly masterAddress: string | undefined;
  readonly masterEpoch: number | undefined;
  readonly syncStateSetEpoch: number | undefined;
}

/**
 * Apache's controllers, which choose the masters of replicated brokers. Clients do not know them: every method takes the "host:port"
 * of one, and asks its leader where that is needed.
 */
export class ControllerAdmin {
  constructor(private readonly brokers: BrokersOf) {}

  /** Java: getControllerMetaData. */
  async metadata(controller: string): Promise<ControllerMetadata> {
    const { fields } = await this.brokers.instance.api.call(controller, Requests.controllerGetMetadataInfo, {});
    const { group = '', controllerLeaderId = '', controllerLeaderAddress = '', isLeader, peers = '' } = fields;
    return { group, leaderId: controllerLeaderId, leaderAddress: controllerLeaderAddress, isLeader, peers };
  }

  /** By broker name. Java: getInSyncStateData. */
  async syncState(controller: string, brokerNames: readonly string[]): Promise<Readonly<Record<string, SyncState>>> {
    const leader = await this.leaderOf(controller);
    const body = Buffer.from(JSON.stringify(brokerNames));
    const answer = await this.brokers.instance.api.call(leader, Requests.controllerGetSyncStateData, {}, { body });
    return answer.body.length === 0 ? {} : parseBrokerReplicas(answer.body).replicasInfoTable;
  }

  /** Makes a broker the master of its replicas. Java: electMaster, ElectMasterRequestHeader.ofAdminTrigger. */
  async electMaster(
    controller: string,
    broker: { readonly cluster: string; readonly brokerName: string; readonly brokerId: number },
  ): Promise<ElectedMaster> {
    const leader = await this.leaderOf(controller);
    const { cluster, brokerName, brokerId } = broker;
    const { fields } = await this.brokers.instance.api.call(leader, Requests.controllerElectMaster, {
      ...{ clusterName: cluster, brokerName, brokerId },
      designateElect: true,
      invokeTime: Date.now(),
    });
    const { masterBrokerId, masterAddress, masterEpoch, syncStateSetEpoch } = fields;
    return { masterBrokerId, masterAddress, masterEpoch, syncStateSetEpoch };
  }

  /**
   * Has the controllers forget replicas of a broker that are gone for good.
   * @param what.brokerIds default: all of them. @param what.evenLiving also those that are connected. Java: cleanControllerBrokerData
   */
  async cleanBrokerData(
    controller: string,
    what: {
      readonly cluster: string;
      readonly brokerName: string;
      readonly brokerIds?: readonly number[];
      readonly evenLiving?: boolean;
    },
  ): Promise<void> {
    const leader = await this.leaderOf(controller);
    const { cluster, brokerName, brokerIds, evenLiving = false } = what;
    await this.brokers.instance.api.call(leader, Requests.cleanBrokerData, {
      ...{ clusterName: cluster, brokerName, isCleanLivingBroker: evenLiving, invokeTime: Date.now() },
      ...(brokerIds === undefined ? {} : { brokerControllerIdsToClean: brokerIds.join(';') }),
    });
  }

  /** Java: getControllerConfig. */
  config(
    controllers: readonly string[],
  ): Promise<Gathered<{ readonly address: string; readonly properties: Properties }>> {
    return gather(targets(controllers), async ({ address }) => {
      const { body } = await this.brokers.instance.api.call(address, Requests.getControllerConfig, {});
      return [{ address, properties: Object.fromEntries(parseProperties(body.toString())) }];
    });
  }

  /** Java: updateControllerConfig. @throws ConfigurationError on an impossible key or value, PartialError when only some took it */
  async updateConfig(controllers: readonly string[], properties: Properties): Promise<void> {
    const body = encodeProperties(properties, 'a controller');
    await changeAll(
      targets(controllers),
      `Configuration ${Object.keys(properties).join(', ')} is changed`,
      ({ address }) => this.brokers.instance.api.call(address, Requests.updateControllerConfig, {}, { body }),
    );
  }

  private async leaderOf(controller: string): Promise<string> {
    const { leaderAddress, peers } = await this.metadata(controller);
    if (leaderAddress !== '') return leaderAddress;
    throw new ResponseError(
      `The controllers (${peers || controller}) have no leader now. Check that more than half of them run, and try again.`,
      {
        responseCode: ResponseCode.CONTROLLER_NOT_LEADER,
        remark: null,
        context: { controller, peers },
        retriable: true,
      },
    );
  }
}

const targets = (controllers: readonly string[]): { brokerName: string; address: string }[] =>
  controllers.map((address) => ({ brokerName: `controller ${address}`, address }));
