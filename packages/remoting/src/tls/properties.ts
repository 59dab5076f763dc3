import { existsSync, readFileSync } from 'node:fs';
import { ConfigurationError, parseProperties } from '@rocketnest/protocol';
import {
  type ClientAuth,
  encryptedOnly,
  type TlsClientOptions,
  type TlsProtocol,
  type TlsServerOptions,
  tlsProtocols,
  versionRange,
} from './options.js';

/** What a tls.properties says. */
export interface TlsSettings {
  /** For the port listened on; everything but the mode. */
  readonly server: TlsServerOptions;
  /** For connections to other servers that use TLS. */
  readonly client: TlsClientOptions;
}

/** Where Apache looks for it, unless told otherwise (Java: `TlsSystemConfig.tlsConfigFile`). */
export const DEFAULT_TLS_CONFIG_FILE = '/etc/rocketmq/tls.properties';

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
const filled: Row['check'] = (value) => (value === '' ? 'not empty' : null);

const property = (check: Row['check'], doc: string): Row => ({ check, doc });

/** Keys of Apache's tls.properties (Java: `TlsHelper.extractTlsConfigFromFile`). */
export const tlsPropertyTable = {
  'tls.test.mode.enable': property(
    bool,
    'A self-signed certificate, and no look at those of other servers. Default: true without tls.server.certPath. (Apache: true, ' +
      'whatever the paths.)',
  ),
  'tls.server.certPath': property(filled, "The server's certificate chain, a PEM file."),
  'tls.server.keyPath': property(filled, 'Its private key, a PEM file.'),
  'tls.server.keyPassword': property(filled, 'Password of tls.server.keyPath.'),
  'tls.server.need.client.auth': property(
    oneOf('none', 'optional', 'require'),
    'Whether clients show a certificate. Default: none.',
  ),
  'tls.server.authClient': property(bool, "Whether clients' certificates are verified. Default: false."),
  'tls.server.trustCertPath': property(filled, "Authorities of clients' certificates, a PEM file."),
  'tls.client.certPath': property(filled, 'The certificate shown to other servers, a PEM file.'),
  'tls.client.keyPath': property(filled, 'Its private key, a PEM file.'),
  'tls.client.keyPassword': property(filled, 'Password of tls.client.keyPath.'),
  'tls.client.authServer': property(bool, "Whether other servers' certificates are verified. Default: false."),
  'tls.client.trustCertPath': property(filled, "Authorities of other servers' certificates, a PEM file."),
  'tls.ciphers': property(filled, "OpenSSL's cipher names, separated by commas. (Apache: Java's names.)"),
  'tls.protocols': property(
    (value) =>
      value.split(',').every((each) => (tlsProtocols as readonly string[]).includes(each.trim()))
        ? null
        : `some of ${tlsProtocols.join(',')}`,
    'Versions spoken; the oldest and the newest count.',
  ),
} as const;

type Key = keyof typeof tlsPropertyTable;
type Values = Partial<Record<Key, string>>;

/**
 * Reads a tls.properties and the files that it names for connections to other servers. Apache's default place may be empty: then all
 * certificates are self-signed.
 * @throws ConfigurationError naming the key with a wrong value, or the file that cannot be read.
 */
export function readTlsFile(path: string): TlsSettings {
  const absent = path === DEFAULT_TLS_CONFIG_FILE && !existsSync(path);
  const values = absent ? {} : checked(parseProperties(readText('tls.config.file', path)), path);
  const testMode = flag(values['tls.test.mode.enable'], values['tls.server.certPath'] === undefined);
  return { server: serverOptions(values, testMode), client: clientOptions(values, testMode) };
}

function serverOptions(values: Values, testMode: boolean): TlsServerOptions {
  const common = { ciphers: ciphersOf(values), protocols: protocolsOf(values) };
  if (testMode) return withoutUndefined<TlsServerOptions>(common);
  return withoutUndefined<TlsServerOptions>({
    ...common,
    certPath: values['tls.server.certPath'],
    keyPath: values['tls.server.keyPath'],
    keyPassword: values['tls.server.keyPassword'],
    clientAuth: values['tls.server.need.client.auth']?.toLowerCase() as ClientAuth | undefined,
    verifyClient: flag(values['tls.server.authClient'], false),
    trustCertPath: values['tls.server.trustCertPath'],
  });
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

function checked(entries: Iterable<readonly [string, string]>, where: string): Values {
  const values: Values = {};
  for (const [key, written] of entries) {
    if (!Object.hasOwn(tlsPropertyTable, key)) {
      const known = Object.keys(tlsPropertyTable).join(', ');
      throw new ConfigurationError(`unknown key ${key} in ${where}: its keys are ${known}`, { context: { key } });
    }
    const value = written.trim();
    const expected = tlsPropertyTable[key as Key].check(value);
    if (expected !== null) {
      throw new ConfigurationError(`${key} in ${where} must be ${expected}, got ${JSON.stringify(value)}`, {
        context: { key, value },
      });
    }
    values[key as Key] = value;
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
