import { setTimeout as delay } from 'node:timers/promises';
import type { Broker } from '@rocketnest/broker';
import { createRequest, parseGetBrokerMemberGroupResponse, Requests, ResponseCode } from '@rocketnest/protocol';
import { type Logger, RemotingClient } from '@rocketnest/remoting';

export interface RegisteredBroker {
  readonly clusterName: string;
  readonly brokerName: string;
  /** As the broker announces itself. */
  readonly address: string;
}

/** How a started broker registers. */
export function registrationOf({ options, address }: Broker): RegisteredBroker {
  return { clusterName: options.brokerClusterName, brokerName: options.brokerName, address };
}

const POLL_MS = 100;

/**
 * Waits until one of the name servers knows the broker, which is when clients can find it. A name server that is not there yet is
 * waited for; that is logged once. Rejects only when `stop` is aborted.
 */
export async function untilRegistered(
  broker: RegisteredBroker,
  namesrvAddrs: readonly string[],
  logger: Logger,
  stop: AbortSignal,
): Promise<void> {
  const client = new RemotingClient();
  let told = false;
  try {
    for (;;) {
      const knows = await Promise.all(namesrvAddrs.map((namesrvAddr) => isRegistered(client, namesrvAddr, broker)));
      if (knows.includes(true)) return;
      if (!told) logger.warn(`waiting for a name server to take broker ${broker.address}`, { namesrvAddrs });
      told = true;
      await delay(POLL_MS, undefined, { signal: stop });
    }
  } finally {
    await client.close();
  }
}

async function isRegistered(client: RemotingClient, namesrvAddr: string, broker: RegisteredBroker): Promise<boolean> {
  const { clusterName, brokerName, address } = broker;
  try {
    const { code, body } = await client.request(
      namesrvAddr,
      createRequest(Requests.getBrokerMemberGroup, { clusterName, brokerName }),
    );
    if (code !== ResponseCode.SUCCESS) return false;
    const { brokerMemberGroup } = parseGetBrokerMemberGroupResponse(body);
    return Object.values(brokerMemberGroup?.brokerAddrs ?? {}).includes(address);
  } catch {
    return false; // Not there, or not yet.
  }
}
