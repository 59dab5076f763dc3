import { type DynamicModule, Module, type OnApplicationShutdown } from '@nestjs/common';
import { IdempotencyStore, SqlIdempotencyStore } from '@rocketnest/nestjs/idempotency';
import { pgDatabase } from '@rocketnest/nestjs/sql';
import { Pool } from 'pg';

/** Token of the database as transactional messages and the outbox need it. */
export const DATABASE = Symbol('DATABASE');

/** The service's Postgres, which also knows what messages were handled. */
@Module({})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(private readonly pool: Pool) {}

  /** @param schema the service's own, so that services may share a server @param tables statements that create what is missing */
  static forRoot(schema: string, tables: string): DynamicModule {
    const connectionString = process.env['DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
    const pool = new Pool({ connectionString, options: `-c search_path=${schema}` });
    const database = pgDatabase(pool);
    const handled = new SqlIdempotencyStore({ dialect: 'postgres', query: database.query });
    // The lock has instances that start together take turns.
    const create = `begin; select pg_advisory_xact_lock(1); create schema if not exists ${schema}; ${tables} ${handled.schema}; commit`;
    const providers = [
      { provide: Pool, useFactory: () => pool.query(create).then(() => pool) },
      { provide: DATABASE, useValue: database },
      { provide: IdempotencyStore, useValue: handled },
    ];
    return { module: DatabaseModule, global: true, providers, exports: providers };
  }

  /** After the listeners have finished. */
  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
