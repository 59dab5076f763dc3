import { createRequest, parseConsumerRunningInfo, Requests, ResponseCode } from '@rocketnest/protocol';
import type { Connection } from '@rocketnest/remoting';
import { getOrCreate } from './collections.js';
import type { BrokerContext } from './context.js';

/** The consumer waits for its pull meanwhile. */
const TIMEOUT_MS = 3_000;

/** Asks a consumer for its subscriptions; true when the broker knows them now. */
export type SubscriptionInquiry = (group: string, connection: Connection) => Promise<boolean>;

/**
 * For pulls with a newer subscription than the consumer's last heartbeat. The Java client gives its subscription a new version when it gets
 * queues, and sends a heartbeat then, unless its timer is just sending one: in that case the broker hears of the version 30 s later, and
 * refuses the pulls until then. Both happen a second after the start of a consumer, so that it is no rare case. Here the broker asks.
 */
export function createSubscriptionInquiry({ consumers, groups, filters, logger }: BrokerContext): SubscriptionInquiry {
  /** Pulls of all queues come at once: one question for all of them. */
  const asked = new WeakMap<Connection, Map<string, Promise<boolean>>>();

  return (group, connection) => {
    const byGroup = getOrCreate(asked, connection, () => new Map<string, Promise<boolean>>());
    return getOrCreate(byGroup, group, () => ask(group, connection).finally(() => byGroup.delete(group)));
  };

  async function ask(name: string, connection: Connection): Promise<boolean> {
    const clientId = consumers.group(name)?.members.get(connection)?.clientId;
    if (clientId === undefined) return false;
    const question = createRequest(Requests.getConsumerRunningInfo, {
      consumerGroup: name,
      clientId,
      jstackEnable: false,
    });
    try {
      const { code, body } = await connection.request(question, { timeoutMs: TIMEOUT_MS });
      // It may have left meanwhile.
      const group = consumers.group(name);
      const client = group?.members.get(connection);
      if (code !== ResponseCode.SUCCESS || body === null || group === undefined || client === undefined) return false;
      const { subscriptionSet } = parseConsumerRunningInfo(body);
      if (subscriptionSet.length === 0) return false;
      const notify = groups.find(name)?.notifyConsumerIdsChangedEnable ?? true;
      consumers.register(name, client, group.mode, subscriptionSet, notify);
      filters.register(name, subscriptionSet);
      return true;
    } catch (error) {
      logger.warn('a consumer did not tell its subscriptions', { group: name, clientId, error });
      return false;
    }
  }
}
