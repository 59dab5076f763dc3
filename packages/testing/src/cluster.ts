import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker, type BrokerOptionsInput } from '@rocketnest/broker';
import { NameServer, type NameServerOptions } from '@rocketnest/namesrv';

export interface ClusterOptions {
  /** How many brokers, or what is special about each. Default 1. */
  brokers?: number | readonly Partial<BrokerOptionsInput>[];
  /** Options of all brokers, in Apache's keys. */
  broker?: Partial<BrokerOptionsInput>;
  namesrv?: NameServerOptions;
  /** Where the brokers keep their data; stays after close. Default: a temporary directory that close deletes. */
  rootDir?: string;
}

/** A running cluster. `await using cluster = await startCluster()` closes it at the end of the block. */
export interface Cluster extends AsyncDisposable {
  /** `127.0.0.1:port`, for clients. */
  readonly namesrvAddr: string;
  readonly namesrv: NameServer;
  /** In the order of the options; named broker-a, broker-b … unless the options name them. */
  readonly brokers: readonly Broker[];
  readonly rootDir: string;
  /** Stops brokers and name server and deletes a temporary data directory. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a name server and brokers in this process, on free ports of 127.0.0.1, with their data below one directory. Resolves when
 * clients can use it; when a part fails to start, the others are stopped again.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const temporary = options.rootDir === undefined;
  const rootDir = options.rootDir ?? (await mkdtemp(join(tmpdir(), 'rocketnest-')));
  const namesrv = new NameServer({ host: '127.0.0.1', port: 0, ...options.namesrv });
  const brokers: Broker[] = [];
  let closing: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await Promise.all(brokers.map((broker) => broker.close()));
    await namesrv.close();
    if (temporary) await rm(rootDir, { recursive: true, force: true });
  };
  const close = (): Promise<void> => {
    closing ??= stop();
    return closing;
  };
  try {
    await namesrv.start();
    const given = options.brokers ?? 1;
    const each: readonly Partial<BrokerOptionsInput>[] =
      typeof given === 'number' ? Array.from({ length: given }, () => ({})) : given;
    each.forEach((special, index) => {
      const brokerName = special.brokerName ?? `broker-${String.fromCharCode(97 + index)}`;
      brokers.push(
        new Broker({
          listenPort: 0,
          bindAddress: '127.0.0.1',
          brokerIP1: '127.0.0.1',
          namesrvAddr: namesrv.address,
          storePathRootDir: join(rootDir, brokerName),
          ...options.broker,
          ...special,
          brokerName,
        }),
      );
    });
    // All of them, so that none is still starting when the others are stopped.
    const outcomes = await Promise.allSettled(brokers.map((broker) => broker.start()));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  } catch (error) {
    await close();
    throw error;
  }
  return { namesrvAddr: namesrv.address, namesrv, brokers, rootDir, close, [Symbol.asyncDispose]: close };
}
