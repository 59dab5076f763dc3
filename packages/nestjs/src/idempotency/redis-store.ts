import { randomUUID } from 'node:crypto';
import { ConfigurationError } from '@rocketnest/client';
import type { IdempotencyAnswer, IdempotencyTimes } from './store.js';
import { IdempotencyStore } from './store.js';

/** Sends one command, for clients that are not listed in `RedisClient`. */
export type RedisCommand = (command: string, ...args: string[]) => Promise<unknown>;

/** What is needed of `ioredis`. */
interface IoRedisLike {
  call(command: string, ...args: string[]): Promise<unknown>;
}

/** What is needed of `redis`. */
interface NodeRedisLike {
  sendCommand(args: string[]): Promise<unknown>;
}

/** A connected client of `ioredis` or `redis`, or a function that sends a command. */
export type RedisClient = IoRedisLike | NodeRedisLike | RedisCommand;

export interface RedisIdempotencyOptions {
  /** Stands before every key, default `rocketmq:idempotency:`. */
  readonly prefix?: string;
}

const DONE = 'done';

/** Only the holder of a claim may change it: compared and changed in one step. KEYS[1] the key, ARGV[1] the holder. */
const ifMine = (change: string): string =>
  `if redis.call('GET', KEYS[1]) == ARGV[1] then return ${change} else return 0 end`;
const CONFIRM = ifMine(`redis.call('SET', KEYS[1], '${DONE}', 'PX', ARGV[2])`);
const RELEASE = ifMine(`redis.call('DEL', KEYS[1])`);
const EXTEND = ifMine(`redis.call('PEXPIRE', KEYS[1], ARGV[2])`);

/**
 * Keys in Redis (`SET NX`). Redis forgets what it evicts and, when it fails over, what it had not replicated: where that must not lead
 * to a second run, put an SQL store behind it (`CombinedIdempotencyStore`).
 */
export class RedisIdempotencyStore extends IdempotencyStore {
  readonly #send: RedisCommand;
  readonly #prefix: string;

  /** @throws ConfigurationError when `client` is none that is known */
  constructor(client: RedisClient, { prefix = 'rocketmq:idempotency:' }: RedisIdempotencyOptions = {}) {
    super();
    this.#send = commandOf(client);
    this.#prefix = prefix;
  }

  async begin(key: string, { lockMs, ttlMs }: IdempotencyTimes): Promise<IdempotencyAnswer> {
    const name = this.#prefix + key;
    const holder = randomUUID();
    const set = await this.#send('SET', name, holder, 'NX', 'PX', String(lockMs));
    if (set === null) return String(await this.#send('GET', name)) === DONE ? 'done' : 'busy';
    const run = async (script: string, ...args: string[]): Promise<void> => {
      await this.#send('EVAL', script, '1', name, holder, ...args);
    };
    return {
      confirm: () => run(CONFIRM, String(ttlMs)),
      release: () => run(RELEASE),
      extend: () => run(EXTEND, String(lockMs)),
    };
  }
}

/** ioredis has a `sendCommand` of another shape, so `call`, which only it has, is looked for first. */
function commandOf(client: RedisClient): RedisCommand {
  if (typeof client === 'function') return client;
  if ('call' in client && typeof client.call === 'function') return (...command) => client.call(...command);
  if ('sendCommand' in client && typeof client.sendCommand === 'function') {
    return (...command) => client.sendCommand(command);
  }
  throw new ConfigurationError(
    'RedisIdempotencyStore takes a client of ioredis or redis, or a function (command, ...args) that sends a command and resolves to its reply.',
  );
}
