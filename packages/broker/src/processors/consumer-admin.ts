import {
  encodeGroupForbidden,
  encodeProducerTableInfo,
  encodeQueryCorrectionOffsetBody,
  encodeQuerySubscriptionResponse,
  Requests,
} from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { ok, type ProcessorRow, row } from './row.js';

/** What an administrator asks and changes about groups, beyond their settings (`AdminBrokerProcessor`). */
export function consumerAdminProcessors(context: BrokerContext): readonly ProcessorRow[] {
  const { consumers, groups, offsets, producers, store, topics, logger } = context;
  return [
    row(Requests.querySubscriptionByConsumer, ({ group, topic }, request) => {
      const subscriptionData = topic === undefined ? undefined : consumers.subscription(group, topic);
      return ok(request, encodeQuerySubscriptionResponse({ group, topic, subscriptionData }));
    }),

    row(Requests.cloneGroupOffset, ({ srcGroup, destGroup, topic, offline }, request) => {
      const names = topic === undefined || topic.trim() === '' ? offsets.topicsOf(srcGroup) : [topic];
      const subscribed = consumers.group(srcGroup)?.subscriptions.size ?? 0;
      for (const name of names) {
        const left = !offline && subscribed > 0 && consumers.subscription(srcGroup, name) === undefined;
        if (left || !topics.has(name)) logger.warn('offsets not cloned', { srcGroup, destGroup, topic: name });
        else offsets.clone(srcGroup, destGroup, name);
      }
      return ok(request);
    }),

    /*
     * Per queue the smallest offset that any group has committed and that still exists; for queues where `compareGroup` is
     * behind that, "no limit". Java forgets the offsets of `filterGroups` for good; here they are only left out.
     */
    row(Requests.queryCorrectionOffset, ({ topic, filterGroups, compareGroup }, request) => {
      const ignored = new Set(filterGroups?.split(','));
      const smallest = new Map<number, number>();
      for (const group of offsets.groupsOf(topic)) {
        if (ignored.has(group)) continue;
        for (const [queueId, offset] of offsets.committedOf(group, topic) ?? []) {
          if (offset < store.minOffset(topic, queueId)) continue;
          smallest.set(queueId, Math.min(offset, smallest.get(queueId) ?? offset));
        }
      }
      for (const [queueId, offset] of offsets.committedOf(compareGroup, topic) ?? []) {
        const limit = smallest.get(queueId);
        if (limit !== undefined && limit > offset) smallest.set(queueId, Number.MAX_SAFE_INTEGER);
      }
      return ok(request, encodeQueryCorrectionOffsetBody({ correctionOffsets: Object.fromEntries(smallest) }));
    }),

    row(Requests.updateAndGetGroupForbidden, async ({ group, topic, readable }, request) => {
      if (readable !== undefined) {
        groups.forbidRead(group, topic, !readable);
        await groups.file.save();
      }
      return ok(request, encodeGroupForbidden({ group, topic, readable: !groups.isReadForbidden(group, topic) }));
    }),

    row(Requests.getAllProducerInfo, (_fields, request) => {
      const data = producers.groupNames.map((group) => {
        const members = producers.members(group).map(({ clientId, connection, language, version, lastSeen }) => ({
          clientId,
          remoteIP: connection.remoteHost.address,
          language,
          version,
          lastUpdateTimestamp: lastSeen,
        }));
        return [group, members];
      });
      return ok(request, encodeProducerTableInfo({ data: Object.fromEntries(data) }));
    }),
  ];
}
