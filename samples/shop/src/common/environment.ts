import { join } from 'node:path';

/** Settings of one service process, from environment variables. */
export interface ServiceEnvironment {
  /** `ROCKETMQ_NAMESRV`: name servers, `host:port[;host:port]`. Default 127.0.0.1:9876. */
  readonly namesrvAddr: string;
  /** `PORT`: HTTP port, 0 picks a free one. */
  readonly port: number;
  /** `INSTANCE`: tells two processes of one service apart. */
  readonly instance: string;
  /** `SHOP_DATA`: directory of the embedded databases. Default ./data. */
  readonly dataDir: string;
  /** `DATABASE_URL`: a Postgres server instead of the embedded one. */
  readonly databaseUrl: string | undefined;
  /** `SHOP_SIMULATE=1`: requests may ask the process to die, for the story. */
  readonly simulate: boolean;
}

export function readEnvironment(service: string, defaultPort: number): ServiceEnvironment {
  const { ROCKETMQ_NAMESRV, PORT, INSTANCE, SHOP_DATA, DATABASE_URL, SHOP_SIMULATE } = process.env;
  const instance = INSTANCE ?? service;
  return {
    namesrvAddr: ROCKETMQ_NAMESRV ?? '127.0.0.1:9876',
    port: Number(PORT ?? defaultPort),
    instance,
    dataDir: join(SHOP_DATA ?? 'data', instance),
    databaseUrl: DATABASE_URL,
    simulate: SHOP_SIMULATE === '1',
  };
}

/** Schema name for a service instance in a shared Postgres server. */
export const schemaOf = (instance: string): string => instance.replaceAll(/[^a-z0-9]/g, '_');
