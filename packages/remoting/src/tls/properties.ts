import { readFileSync } from 'node:fs';
import { ConfigurationError, parseProperties } from '@rocketnest/protocol';
import {
  type ClientAuth,
  encryptedOnly,
  type TlsClientOptions,
  type TlsMode,
  type TlsProtocol,
  type TlsServerOptions,
  tlsProtocols,
  versionRange,
} from './options.js';

/** What the `tls.*` keys of a configuration file say. */
export interface TlsSettings {
  /** For the port listened on. */
  readonly tls: TlsServerOptions;
  /** For connections to other servers. */
  readonly clientTls: boolean | TlsClientOptions;
}

interface Row {
  readonly doc: string;
  /** Says what a value must be when it is not acceptable. */
  readonly check: (value: string) => string | null;
}

const oneOf =
  (...words: string[]): Row['check'] =>
  (value) =>
    words.includes(value.toLowerCase()) ? null : `one of ${words.join(', ')}`;
const bool = oneOf('true', 'false');
const anything: Row['check'] = (value) => (value === '' ? 'not empty' : null);

const tlsKey = (check: Row['check'], doc: string): Row => ({ check, doc });

/**
 * Apache's system properties (Java: `TlsSystemConfig`), which are keys of broker.conf and namesrv.conf here, and of a file of their own
 * named by `tls.config.file`.
 */
export const tlsPropertyTable = {
  'tls.server.mode': tlsKey(
    oneOf('disabled', 'permissive', 'enforcing'),
    'Whether the port takes plain clients, TLS clients or (permissive, the default) both.',
  ),
  'tls.config.file': tlsKey(anything, 'A properties file with these keys; what it says wins.'),
  'tls.test.mode.enable': tlsKey(
    bool,
    'A self-signed certificate, and no look at those of other servers. Default: true without tls.server.certPath. (Apache: true, ' +
      'whatever the paths.)',
  ),
  'tls.server.certPath': tlsKey(anything, "The server's certificate chain, a PEM file."),
  'tls.server.keyPath': tlsKey(anything, 'Its private key, a PEM file.'),
  'tls.server.keyPassword': tlsKey(anything, 'Password of tls.server.keyPath.'),
  'tls.server.need.client.auth': tlsKey(
    oneOf('none', 'optional', 'require'),
    'Whether clients show a certificate. Default: none.',
  ),
  'tls.server.authClient': tlsKey(bool, "Whether clients' certificates are verified. Default: false."),
  'tls.server.trustCertPath': tlsKey(anything, "Authorities of clients' certificates, a PEM file."),
  'tls.enable': tlsKey(
    bool,
    'Whether connections to name servers and other brokers use TLS. Default: whether tls.server.mode is enforcing.',
  ),
  'tls.client.certPath': tlsKey(anything, 'The certificate shown to other servers, a PEM file.'),
  'tls.client.keyPath': tlsKey(anything, 'Its private key, a PEM file.'),
  'tls.client.keyPassword': tlsKey(anything, 'Password of tls.client.keyPath.'),
  'tls.client.authServer': tlsKey(bool, "Whether other servers' certificates are verified. Default: false."),
  'tls.client.trustCertPath': tlsKey(anything, "Authorities of other servers' certificates, a PEM file."),
  'tls.ciphers': tlsKey(anything, "OpenSSL's cipher names, separated by commas. (Apache: Java's names.)"),
  'tls.protocols': tlsKey(
    (value) =>
      value.split(',').every((each) => (tlsProtocols as readonly string[]).includes(each.trim()))
        ? null
        : `some of ${tlsProtocols.join(',')}`,
    'Versions spoken; the oldest and the newest count.',
  ),
} as const;

type Key = keyof typeof tlsPropertyTable;

export const isTlsProperty = (key: string): key is Key => Object.hasOwn(tlsPropertyTable, key);

/**
 * Reads the `tls.*` keys among the entries of a configuration file, and the files that they name for connections to other servers.
 * @throws ConfigurationError naming the key with a wrong value, or the file that cannot be read.
 */
export function readTlsProperties(entries: Iterable<readonly [string, string]>): TlsSettings {
  const values = checked(entries);
  const file = values['tls.config.file'];
  if (file !== undefined) Object.assign(values, checked(parseProperties(readText('tls.config.file', file)), file));
  const testMode = flag(values['tls.test.mode.enable'], values['tls.server.certPath'] === undefined);
  const mode = values['tls.server.mode']?.toLowerCase() as TlsMode | undefined;
  const useTls = flag(values['tls.enable'], mode === 'enforcing');
  return {
    tls: withoutUndefined<TlsServerOptions>({
      mode,
      ciphers: ciphersOf(values),
      protocols: protocolsOf(values),
      ...(testMode
        ? {}
        : {
            certPath: values['tls.server.certPath'],
            keyPath: values['tls.server.keyPath'],
            keyPassword: values['tls.server.keyPassword'],
            clientAuth: values['tls.server.need.client.auth']?.toLowerCase() as ClientAuth | undefined,
            verifyClient: flag(values['tls.server.authClient'], false),
            trustCertPath: values['tls.server.trustCertPath'],
          }),
    }),
    clientTls: useTls && clientOptions(values, testMode),
  };
}

function clientOptions(values: Values, testMode: boolean): TlsClientOptions {
  const pem = (key: Key): string | undefined => (values[key] === undefined ? undefined : readText(key, values[key]));
  const common = { ciphers: ciphersOf(values), ...versionRange(protocolsOf(values)) };
  if (testMode) return withoutUndefined<TlsClientOptions>({ ...encryptedOnly, ...common });
  return withoutUndefined<TlsClientOptions>({
    ...common,
    rejectUnauthorized: flag(values['tls.client.authServer'], false),
    ca: pem('tls.client.trustCertPath'),
    cert: pem('tls.client.certPath'),
    key: pem('tls.client.keyPath'),
    passphrase: values['tls.client.keyPassword'],
  });
}

type Values = Partial<Record<Key, string>>;

function checked(entries: Iterable<readonly [string, string]>, where = 'the configuration'): Values {
  const values: Values = {};
  for (const [key, written] of entries) {
    if (!isTlsProperty(key)) continue;
    const value = written.trim();
    const expected = tlsPropertyTable[key].check(value);
    if (expected !== null) {
      throw new ConfigurationError(`${key} in ${where} must be ${expected}, got ${JSON.stringify(value)}`, {
        context: { key, value },
      });
    }
    values[key] = value;
  }
  return values;
}

const ciphersOf = (values: Values): string | undefined => values['tls.ciphers']?.replaceAll(/\s*,\s*/g, ':');

const protocolsOf = (values: Values): TlsProtocol[] | undefined =>
  values['tls.protocols']?.split(',').map((each) => each.trim() as TlsProtocol);

const flag = (written: string | undefined, byDefault: boolean): boolean =>
  written === undefined ? byDefault : written.toLowerCase() === 'true';

function readText(key: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigurationError(`cannot read ${path}, named by ${key}: ${(cause as Error).message}`, { cause });
  }
}

function withoutUndefined<T>(values: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}
