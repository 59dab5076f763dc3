import { networkInterfaces } from 'node:os';

/** What the client id is made of. */
export interface ClientIdParts {
  readonly clientIp?: string | undefined;
  readonly instanceName?: string | undefined;
  readonly unitName?: string | undefined;
}

/** First address other machines may reach: IPv4 before IPv6, public order of the OS. Java: NetworkUtil.getLocalAddress. */
export function localAddress(): string {
  const candidates = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const usable = candidates.filter((entry) => !entry.internal && !entry.address.startsWith('fe80'));
  return (usable.find((entry) => entry.family === 'IPv4') ?? usable[0])?.address ?? '127.0.0.1';
}

/**
 * "ip@instanceName[@unitName]", the name under which brokers know one client instance. Without an instance name it is
 * pid#nanoseconds, so two instances never share an id. Java: ClientConfig.buildMQClientId, changeInstanceNameToPID.
 */
export function createClientId(parts: ClientIdParts): string {
  const ip = parts.clientIp ?? localAddress();
  const instance = parts.instanceName ?? `${process.pid}#${process.hrtime.bigint()}`;
  return parts.unitName === undefined ? `${ip}@${instance}` : `${ip}@${instance}@${parts.unitName}`;
}
