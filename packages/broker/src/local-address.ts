import { networkInterfaces } from 'node:os';

/**
 * The address a broker announces when the user names none (`NetworkUtil.getLocalAddress`): the bind address when it names
 * one interface, else an external IPv4 address of this machine, public before private, else 127.0.0.1.
 */
export function defaultBrokerIp(given: Readonly<Record<string, unknown>>): string {
  const bind = given['bindAddress'];
  if (typeof bind === 'string' && bind !== '0.0.0.0' && bind !== '::') return bind === 'localhost' ? '127.0.0.1' : bind;
  const external = Object.entries(networkInterfaces())
    // Container bridges are external by the book, but no client can reach them.
    .filter(([name]) => !/^(docker|br-|virbr|veth)/.test(name))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter((address) => address.family === 'IPv4' && !address.internal)
    .map((address) => address.address);
  return external.find((address) => !isPrivate(address)) ?? external.at(-1) ?? '127.0.0.1';
}

const isPrivate = (ip: string): boolean => /^(10\.|192\.168\.|127\.|172\.(1[6-9]|2\d|3[01])\.)/.test(ip);
