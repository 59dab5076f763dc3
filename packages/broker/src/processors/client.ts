import {
  encodeConsumerConnection,
  encodeConsumerListBody,
  encodeProducerConnection,
  type HeartbeatData,
  PermName,
  parseCheckClientRequest,
  parseHeartbeat,
  Requests,
  ResponseCode,
  retryTopic,
  TopicSysFlag,
} from '@rocketnest/protocol';
import type { ClientInfo } from '../clients.js';
import type { BrokerContext } from '../context.js';
import { isTagExpression, noFilterBy } from '../filters.js';
import { ok, type ProcessorRow, parseBody, refuse, row } from './row.js';

/** Clients and their connections (`ClientManageProcessor`, `ConsumerManageProcessor`, `AdminBrokerProcessor`). */
export function clientProcessors(context: BrokerContext): readonly ProcessorRow[] {
  const { options, consumers, producers, groups, filters, clock, stats } = context;
  const fingerprints = new Map<string, number>();
  return [
    row(Requests.heartBeat, (_fields, request, connection) => {
      const heartbeat = parseBody(request, Requests.heartBeat, parseHeartbeat);
      const client: ClientInfo = {
        connection,
        clientId: heartbeat.clientID,
        language: request.language,
        version: request.version,
        lastSeen: clock.now(),
      };
      registerConsumers(context, heartbeat, client);
      for (const { groupName } of heartbeat.producerDataSet) producers.register(groupName, client);
      stats.registered(
        heartbeat.consumerDataSet.length,
        heartbeat.producerDataSet.length,
        clock.now() - client.lastSeen,
      );
      const response = ok(request);
      response.extFields['IS_SUPPORT_HEART_BEAT_V2'] = 'true';
      response.extFields['IS_SUB_CHANGE'] = String(subscriptionChanged(fingerprints, heartbeat));
      return response;
    }),

    row(Requests.unregisterClient, ({ producerGroup, consumerGroup }, request, connection) => {
      if (producerGroup !== undefined) producers.unregister(producerGroup, connection);
      if (consumerGroup !== undefined) {
        const notify = groups.find(consumerGroup)?.notifyConsumerIdsChangedEnable ?? true;
        consumers.unregister(consumerGroup, connection, notify);
        context.pop.left(consumerGroup, connection);
      }
      return ok(request);
    }),

    row(Requests.checkClientConfig, (_fields, request) => {
      const { subscriptionData } = parseBody(request, Requests.checkClientConfig, parseCheckClientRequest);
      const type = subscriptionData.expressionType;
      if (isTagExpression(type)) return ok(request);
      if (!options.enablePropertyFilter) return refuse(request, ResponseCode.SYSTEM_ERROR, noFilterBy(type));
      try {
        filters.compile(type, subscriptionData.subString);
        return ok(request);
      } catch (error) {
        return refuse(request, ResponseCode.SUBSCRIPTION_PARSE_FAILED, (error as Error).message);
      }
    }),

    row(Requests.getConsumerListByGroup, ({ consumerGroup }, request) => {
      const consumerIdList = consumers.group(consumerGroup)?.clientIds ?? [];
      if (consumerIdList.length === 0) {
        return refuse(request, ResponseCode.SYSTEM_ERROR, `no consumer for this group, ${consumerGroup}`);
      }
      return ok(request, encodeConsumerListBody({ consumerIdList }));
    }),

    row(Requests.getConsumerConnectionList, ({ consumerGroup }, request) => {
      const group = consumers.group(consumerGroup);
      if (group === undefined) {
        return refuse(request, ResponseCode.CONSUMER_NOT_ONLINE, `the consumer group[${consumerGroup}] not online`);
      }
      return ok(
        request,
        encodeConsumerConnection({
          ...group.mode,
          connectionSet: [...group.members.values()].map(describe),
          subscriptionTable: Object.fromEntries(group.subscriptions),
        }),
      );
    }),

    row(Requests.getProducerConnectionList, ({ producerGroup }, request) => {
      const members = producers.members(producerGroup);
      if (members.length === 0) {
        return refuse(request, ResponseCode.SYSTEM_ERROR, `the producer group[${producerGroup}] not exist`);
      }
      return ok(request, encodeProducerConnection({ connectionSet: members.map(describe) }));
    }),
  ];
}

const describe = ({ clientId, connection, language, version }: ClientInfo) => ({
  clientId,
  clientAddr: connection.remoteAddress,
  language,
  version,
});

/** Every consumer group of a heartbeat: its settings, its retry topic, its member (`ClientManageProcessor.heartBeat`). */
function registerConsumers(context: BrokerContext, heartbeat: HeartbeatData, client: ClientInfo): void {
  const { options, consumers, groups, topics, filters } = context;
  for (const data of heartbeat.consumerDataSet) {
    if (options.rejectPullConsumerEnable && data.consumeType === 'CONSUME_ACTIVELY') continue;
    const settings = groups.find(data.groupName);
    if (settings === undefined) continue;
    topics.createInternal(
      retryTopic(data.groupName),
      settings.retryQueueNums,
      PermName.READ | PermName.WRITE,
      data.unitMode ? TopicSysFlag.UNIT_SUB : 0,
      data.subscriptionDataSet.some(({ topic }) => topics.isOrder(topic)),
    );
    const { consumeType, messageModel, consumeFromWhere } = data;
    consumers.register(
      data.groupName,
      client,
      { consumeType, messageModel, consumeFromWhere },
      heartbeat.withoutSub === true ? null : data.subscriptionDataSet,
      settings.notifyConsumerIdsChangedEnable,
    );
    if (heartbeat.withoutSub !== true) filters.register(data.groupName, data.subscriptionDataSet);
  }
}

/**
 * Heartbeats of version 2 carry a fingerprint of their subscriptions, and leave the subscriptions out once the broker has
 * them. Answers whether the client must send them in full: always to version 1, else when another member's differ.
 */
function subscriptionChanged(fingerprints: Map<string, number>, heartbeat: HeartbeatData): boolean {
  const fingerprint = heartbeat.heartbeatFingerprint ?? 0;
  let changed = fingerprint === 0;
  for (const { groupName } of heartbeat.consumerDataSet) {
    const known = fingerprints.get(groupName);
    // After a restart nothing is known: without this, a client would go on leaving out what the broker has lost.
    if (known === undefined ? heartbeat.withoutSub === true : known !== fingerprint) changed = true;
    fingerprints.set(groupName, fingerprint);
  }
  return changed;
}
