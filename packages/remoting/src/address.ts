import { ConfigurationError, type Host } from '@rocketnest/protocol';

/**
 * Parses `host:port`. The host may be a name, an IPv4 address or an IPv6 address, bare (`::1:9876`, as Java writes it)
 * or in brackets (`[::1]:9876`); the port is what follows the last colon (Java: `NetworkUtil.string2SocketAddress`).
 *
 * @throws ConfigurationError when there is no host, no port, or the port is not in 0..65535.
 */
export function parseAddress(text: string): Host {
  const colon = text.lastIndexOf(':');
  const address = text
    .slice(0, Math.max(colon, 0))
    .trim()
    .replace(/^\[(.*)\]$/, '$1');
  const portText = text.slice(colon + 1).trim();
  const port = Number(portText);
  if (address === '' || !/^\d{1,5}$/.test(portText) || port > 65535) {
    throw new ConfigurationError(
      `"${text}" is not a network address: write host:port with a port from 0 to 65535, for example 127.0.0.1:9876 or [::1]:9876`,
      { context: { address: text } },
    );
  }
  return { address, port };
}

/** Formats an address as clients and servers exchange it: `10.0.0.1:9876`, `[::1]:9876`. Inverse of {@link parseAddress}. */
export function formatAddress({ address, port }: Host): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * Splits a name server list `h:p;h:p` (commas are accepted too), drops blanks and duplicates and checks each entry.
 *
 * @throws ConfigurationError when an entry is not an address or the list is empty.
 */
export function parseAddressList(text: string): string[] {
  const addresses = text
    .split(/[;,]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (addresses.length === 0) {
    throw new ConfigurationError('the address list is empty: write host:port, several separated by ";"', {
      context: { addresses: text },
    });
  }
  return [...new Set(addresses.map((entry) => formatAddress(parseAddress(entry))))];
}
