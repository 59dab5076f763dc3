import { mkdir } from 'node:fs/promises';
import { PGlite } from '@electric-sql/pglite';
import type { DynamicModule, OnApplicationShutdown } from '@nestjs/common';
import { Inject, Injectable, Module } from '@nestjs/common';
import pg from 'pg';

export type Row = Record<string, unknown>;
export type Query = <R extends Row = Row>(sql: string, values?: unknown[]) => Promise<R[]>;

interface Driver {
  readonly query: Query;
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Directory of the embedded Postgres. Each process needs its own. */
  readonly dataDir: string;
  /** Postgres URL; given, it is used instead, with one schema for each service instance. */
  readonly url: string | undefined;
  readonly schema: string;
  /** Statements that create the tables unless they are there. */
  readonly tables: string;
}

/** A real Postgres: PGlite, which runs in the process, or a server. */
@Injectable()
export class Database implements OnApplicationShutdown {
  constructor(@Inject('DATABASE_DRIVER') private readonly driver: Driver) {}

  readonly query: Query = (sql, values) => this.driver.query(sql, values);

  /** Runs `work` in one transaction; throwing rolls back. */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return this.driver.transaction(work);
  }

  /** After the listeners have drained: Nest calls this hook last. */
  async onApplicationShutdown(): Promise<void> {
    await this.driver.close();
  }
}

@Module({})
export class DatabaseModule {
  static forRoot(options: DatabaseOptions): DynamicModule {
    const driver = {
      provide: 'DATABASE_DRIVER',
      useFactory: () => (options.url === undefined ? embedded(options) : server(options, options.url)),
    };
    return { module: DatabaseModule, global: true, providers: [driver, Database], exports: [Database] };
  }
}

async function embedded({ dataDir, tables }: DatabaseOptions): Promise<Driver> {
  await mkdir(dataDir, { recursive: true });
  const db = await PGlite.create(dataDir);
  await db.exec(tables);
  return {
    query: async <R extends Row>(sql: string, values?: unknown[]) => (await db.query<R>(sql, values)).rows,
    transaction: (work) =>
      db.transaction((tx) =>
        work(async <R extends Row>(sql: string, values?: unknown[]) => (await tx.query<R>(sql, values)).rows),
      ),
    close: () => db.close(),
  };
}

async function server({ schema, tables }: DatabaseOptions, url: string): Promise<Driver> {
  const pool = new pg.Pool({ connectionString: url, options: `-c search_path=${schema}` });
  await pool.query(`create schema if not exists ${schema}`);
  await pool.query(tables);
  return {
    query: async <R extends Row>(sql: string, values?: unknown[]) => (await pool.query<R>(sql, values)).rows,
    async transaction(work) {
      const client = await pool.connect();
      try {
        await client.query('begin');
        const result = await work(
          async <R extends Row>(sql: string, values?: unknown[]) => (await client.query<R>(sql, values)).rows,
        );
        await client.query('commit');
        return result;
      } catch (error) {
        await client.query('rollback');
        throw error;
      } finally {
        client.release();
      }
    },
    close: () => pool.end(),
  };
}
