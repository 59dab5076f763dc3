import { ConfigurationError } from '@rocketnest/protocol';
import type { Logger, RpcHook, TlsClientOptions } from '@rocketnest/remoting';
import { silentLogger } from '@rocketnest/remoting';
import { type Credentials, isCredentials } from './credentials.js';

export type { TlsClientOptions } from '@rocketnest/remoting';

/** Whether a row must be given, has a default, or may stay undefined. */
export type Presence = 'required' | 'default' | 'optional';

/** What the documentation of an option says besides its type. */
export interface OptionInfo {
  readonly doc: string;
  readonly unit?: string;
  /** The option's name in the Java client, when it differs. */
  readonly java?: string;
  /** Errors do not show the value. */
  readonly secret?: boolean;
}

/** One row of an options table: type, check, default and documentation of one key. */
export class OptionRow<T, P extends Presence> {
  constructor(
    /** What a value must be, in words: "an integer >= 1". */
    readonly expected: string,
    readonly accepts: (value: unknown) => boolean,
    readonly info: OptionInfo,
    readonly presence: P,
    readonly defaultValue?: T,
  ) {}

  required(): OptionRow<T, 'required'> {
    return new OptionRow(this.expected, this.accepts, this.info, 'required');
  }

  default(value: T): OptionRow<T, 'default'> {
    return new OptionRow(this.expected, this.accepts, this.info, 'default', value);
  }
}

type Row<T> = OptionRow<T, 'optional'>;
const row = <T>(expected: string, accepts: (value: unknown) => boolean, info: OptionInfo): Row<T> =>
  new OptionRow<T, 'optional'>(expected, accepts, info, 'optional');

/** Row builders; `.required()` or `.default(value)` completes a row, otherwise the option may stay undefined. */
export const option = {
  string: (info: OptionInfo): Row<string> =>
    row('a non-empty string', (value) => typeof value === 'string' && value.trim() !== '', info),
  integer: (range: { min: number; max?: number }, info: OptionInfo): Row<number> => {
    const max = range.max ?? Number.MAX_SAFE_INTEGER;
    const words = range.max === undefined ? `an integer >= ${range.min}` : `an integer from ${range.min} to ${max}`;
    return row(
      words,
      (value) => Number.isSafeInteger(value) && Number(value) >= range.min && Number(value) <= max,
      info,
    );
  },
  boolean: (info: OptionInfo): Row<boolean> => row('true or false', (value) => typeof value === 'boolean', info),
  oneOf: <const T extends string>(values: readonly T[], info: OptionInfo): Row<T> =>
    row(`one of ${values.join(', ')}`, (value) => (values as readonly unknown[]).includes(value), info),
  list: <T>(expected: string, accepts: (item: unknown) => boolean, info: OptionInfo): Row<readonly T[]> =>
    row(`an array of ${expected}`, (value) => Array.isArray(value) && value.every(accepts), info),
  /** A value described by words and a predicate: functions, injected objects, unions. */
  value: <T>(expected: string, accepts: (value: unknown) => boolean, info: OptionInfo): Row<T> =>
    row(expected, accepts, info),
};

export type OptionTable = Readonly<Record<string, OptionRow<unknown, Presence>>>;
type ValueOf<R> = R extends OptionRow<infer T, Presence> ? T : never;
type KeysWith<T extends OptionTable, P extends Presence> = {
  [K in keyof T]: T[K] extends OptionRow<unknown, P> ? K : never;
}[keyof T];

/** What a user passes: required rows must be there, the others may be. */
export type OptionsInput<T extends OptionTable> = {
  readonly [K in KeysWith<T, 'required'>]: ValueOf<T[K]>;
} & { readonly [K in Exclude<keyof T, KeysWith<T, 'required'>>]?: ValueOf<T[K]> | undefined };

/** What a component works with: checked, completed with defaults, frozen. */
export type Options<T extends OptionTable> = {
  readonly [K in KeysWith<T, 'required' | 'default'>]: ValueOf<T[K]>;
} & { readonly [K in KeysWith<T, 'optional'>]: ValueOf<T[K]> | undefined };

function show(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/**
 * Checks `input` against `table`, fills defaults, copies and freezes.
 * @param component name used in error messages, e.g. "Producer"
 * @throws ConfigurationError naming the component, the key, the limit and the value
 */
export function resolveOptions<T extends OptionTable>(table: T, input: unknown, component: string): Options<T> {
  if (typeof input !== 'object' || input === null) {
    throw new ConfigurationError(`${component} options must be an object, got ${show(input)}.`, {
      context: { component },
    });
  }
  const given = input as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(table, key)) {
      const known = Object.keys(table).sort().join(', ');
      throw new ConfigurationError(`${component} has no option "${key}". Its options are: ${known}.`, {
        context: { component, key },
      });
    }
  }
  const resolved: Record<string, unknown> = {};
  for (const [key, definition] of Object.entries(table)) {
    const value = given[key] ?? definition.defaultValue;
    if (value === undefined) {
      if (definition.presence !== 'required') continue;
      throw new ConfigurationError(`${component} option "${key}" is required: ${definition.info.doc}`, {
        context: { component, key },
      });
    }
    if (!definition.accepts(value)) {
      const shown = definition.info.secret ? `something else (${typeof value})` : show(value);
      const unit = definition.info.unit === undefined ? '' : ` (${definition.info.unit})`;
      throw new ConfigurationError(
        `${component} option "${key}" must be ${definition.expected}${unit}, got ${shown}. ${definition.info.doc}`,
        { context: { component, key, value: shown } },
      );
    }
    resolved[key] = Array.isArray(value) ? Object.freeze([...value]) : value;
  }
  return Object.freeze(resolved) as Options<T>;
}

/** Picks the rows of `table` out of `input`: hands a component the part of a larger options object that is its own. */
export function pickOptions<T extends OptionTable>(table: T, input: object): OptionsInput<T> {
  return Object.fromEntries(Object.entries(input).filter(([key]) => Object.hasOwn(table, key))) as OptionsInput<T>;
}

const isFunction = (value: unknown): boolean => typeof value === 'function';
const isLogger = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (['debug', 'info', 'warn', 'error'] as const).every((level) => isFunction((value as Record<string, unknown>)[level]));

/** An object that has at least one of the functions. */
const isHook = (value: unknown, names: readonly string[]): boolean =>
  typeof value === 'object' &&
  value !== null &&
  names.some((name) => isFunction((value as Record<string, unknown>)[name]));

/** Options every component of the client understands. Java: ClientConfig. */
export const clientOptionTable = {
  namesrvAddr: option.string({
    doc: 'Name servers as "host:port", several separated by ";". Any of them that answers is used. Default: what nameServerEndpoint lists, else the environment variable NAMESRV_ADDR, else the page that rocketmq.namesrv.domain names there.',
  }),
  nameServerEndpoint: option.value<string>(
    'a URL that begins with http:// or https://',
    (value) => typeof value === 'string' && /^https?:\/\/[^/]/.test(value) && URL.canParse(value),
    {
      java: 'rocketmq.namesrv.domain',
      doc: 'A page whose first line lists the name servers, asked every two minutes ("-unitName?nofix=1" is appended when there is a unitName). In place of namesrvAddr.',
    },
  ),
  instanceName: option.string({
    doc: 'Part of the client id "ip@instanceName". When absent it is pid#unique, so that every instance of a process differs; give one only if the id must survive a restart (broadcasting offsets).',
  }),
  clientIp: option.string({
    java: 'clientIP',
    doc: 'Address this client tells brokers in its client id; default: the first non-loopback IPv4 address of the machine, else 127.0.0.1.',
  }),
  unitName: option.string({
    doc: 'Appended to the client id as "@unitName"; separates units (cells) of one deployment.',
  }),
  unitMode: option
    .boolean({
      doc: 'Tells brokers that the groups of this client belong to a unit: their retry topics are marked so.',
    })
    .default(false),
  vipChannelEnabled: option
    .boolean({
      doc: "Sends, offsets and locks go to the broker's port minus 2, which Apache brokers keep free of pulls (not RocketNest's, which have no such port).",
    })
    .default(false),
  pollNameServerIntervalMs: option
    .integer(
      { min: 10 },
      { unit: 'ms', java: 'pollNameServerInterval', doc: 'How often the routes of all topics in use are refreshed.' },
    )
    .default(30_000),
  heartbeatBrokerIntervalMs: option
    .integer(
      { min: 10 },
      {
        unit: 'ms',
        java: 'heartbeatBrokerInterval',
        doc: 'How often brokers hear which groups live here; brokers forget a silent client after 120 s.',
      },
    )
    .default(30_000),
  requestTimeoutMs: option
    .integer(
      { min: 1 },
      {
        unit: 'ms',
        java: 'mqClientApiTimeout',
        doc: 'Deadline of one control request (routes, heartbeats, offsets). Sends have their own.',
      },
    )
    .default(3_000),
  connectTimeoutMs: option
    .integer({ min: 1 }, { unit: 'ms', java: 'connectTimeoutMillis', doc: 'Deadline for opening a TCP connection.' })
    .default(3_000),
  tls: option
    .value<boolean | TlsClientOptions>(
      'true, false or an object',
      (value) => typeof value === 'boolean' || (typeof value === 'object' && value !== null),
      {
        java: 'useTLS',
        doc: 'Speak TLS with name servers and brokers. true: encrypted, whoever answers, as Apache does it by default; { ca, cert, key, … } in the words of node:tls: their certificates are verified.',
      },
    )
    .default(false),
  logger: option
    .value<Logger>('an object with debug, info, warn and error functions', isLogger, {
      doc: 'Where the client logs; silent by default. Message bodies are never logged.',
    })
    .default(silentLogger),
  namespace: option.string({
    doc: 'Put before the names of topics and groups on their way to the brokers ("namespace%topic") and taken off on the way back, so that tenants can use the same names. Admin takes names as they are on the brokers. Default: the instance id in namesrvAddr ("http://MQ_INST_….host:port"), if there is one.',
  }),
  namespaceV2: option.string({
    doc: 'Sent as a header field of every request, for servers that keep tenants apart themselves; names stay as they are.',
  }),
  credentials: option.value<Credentials | (() => Credentials)>(
    'an object with the texts accessKey and secretKey (and securityToken), or a function that returns one',
    (value) => isFunction(value) || isCredentials(value),
    {
      secret: true,
      java: 'AclClientRPCHook(SessionCredentials)',
      doc: 'Who this client is to brokers that check it: every request is signed. A function is asked for every request.',
    },
  ),
  rpcHooks: option.list<RpcHook>(
    'objects with beforeRequest or afterResponse functions',
    (hook) => isHook(hook, ['beforeRequest', 'afterResponse']),
    {
      java: 'RPCHook',
      doc: 'See every request this client sends and its response; may add header fields. In this order, before a signature of credentials is added.',
    },
  ),
  addressMap: option.value<(address: string) => string>('a function', isFunction, {
    doc: 'Rewrites every "host:port" before connecting: for brokers that advertise an address this machine cannot reach (NAT, containers).',
  }),
} satisfies OptionTable;

export type ClientOptionsInput = OptionsInput<typeof clientOptionTable>;
export type ClientOptions = Options<typeof clientOptionTable>;

/** The consumer or producer group row, shared by the components that have one. */
export const groupOption = option
  .string({
    doc: 'Group of the producers or consumers that do the same job: letters, digits, % | _ -, at most 120 characters.',
  })
  .required();
