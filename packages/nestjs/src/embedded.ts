import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, silentLogger } from '@rocketnest/client';
import type { EmbeddedOptions } from './options.js';

/** A name server and a broker of this process. */
export interface EmbeddedServers {
  /** `host:port` of the name server. */
  readonly namesrvAddr: string;
  close(): Promise<void>;
}

/**
 * Starts both: what `embedded` does, for programs that need the servers without a Nest module. The packages are loaded here
 * and not before: an application that uses a cluster never loads them.
 */
export async function startEmbeddedServers(
  options: EmbeddedOptions = {},
  logger: Logger = silentLogger,
): Promise<EmbeddedServers> {
  const [{ NameServer }, { Broker }] = await Promise.all([import('@rocketnest/namesrv'), import('@rocketnest/broker')]);
  const host = options.host ?? '127.0.0.1';
  const namesrv = new NameServer({ host, port: options.namesrvPort ?? 0, logger });
  let temporary: string | undefined;
  let broker: InstanceType<typeof Broker> | undefined;
  const close = async (): Promise<void> => {
    await broker?.close();
    await namesrv.close();
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  };
  try {
    await namesrv.start();
    if (options.rootDir === undefined) temporary = await mkdtemp(join(tmpdir(), 'rocketnest-embedded-'));
    broker = new Broker({
      brokerName: 'embedded',
      bindAddress: host,
      brokerIP1: host,
      listenPort: options.brokerPort ?? 0,
      storePathRootDir: options.rootDir ?? temporary!,
      ...options.broker,
      namesrvAddr: namesrv.address,
      logger,
    });
    await broker.start();
  } catch (error) {
    await close();
    throw error;
  }
  return { namesrvAddr: namesrv.address, close };
}
