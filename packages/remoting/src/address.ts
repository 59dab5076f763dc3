import { ConfigurationError, type Host, hostToString, parseHost } from '@rocketnest/protocol';

/**
 * Parses what a person writes as `host:port`: a name, an IPv4 address or an IPv6 address, bare (`::1:9876`, as Java writes it) or in
 * brackets (`[::1]:9876`). Stricter than the protocol's `parseHost`, which reads what machines write.
 *
 * @throws ConfigurationError when there is no host, no port, or the port is not in 0..65535.
 */
export function parseAddress(text: string): Host {
  const trimmed = text.trim();
  if (/^[^\s/]+:\d{1,5}$/.test(trimmed)) {
    const host = parseHost(trimmed);
    if (host.address !== '') return host;
  }
  throw new ConfigurationError(
    `"${text}" is not a network address: write host:port with a port from 0 to 65535, for example 127.0.0.1:9876 or [::1]:9876`,
    { context: { address: text } },
  );
}

/** Formats an address as clients and servers exchange it: `10.0.0.1:9876`, `[::1]:9876`. Inverse of {@link parseAddress}. */
export const formatAddress: (host: Host) => string = hostToString;

/**
 * Splits a name server list `h:p;h:p` (commas are accepted too), drops blanks and duplicates and checks each entry.
 *
 * @throws ConfigurationError when an entry is not an address or the list is empty.
 */
export function parseAddressList(text: string): string[] {
  const entries = text.split(/[;,]/).filter((entry) => entry.trim() !== '');
  if (entries.length === 0) {
    throw new ConfigurationError('the address list is empty: write host:port, several separated by ";"', {
      context: { addresses: text },
    });
  }
  return [...new Set(entries.map((entry) => formatAddress(parseAddress(entry))))];
}
