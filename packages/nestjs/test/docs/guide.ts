import { PGlite } from '@electric-sql/pglite';
import { ConsoleLogger, type INestApplication, Logger, type ModuleMetadata, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Admin } from '@rocketnest/client';
import { RocketMQMessageListener, type RocketMQModuleOptions, RocketMQTemplate } from '@rocketnest/nestjs';
import { RocketMQTestConnection, RocketMQTestingModule } from '@rocketnest/nestjs/testing';
import { unique, waitFor } from '@rocketnest/testing';

// What the hidden lines of the guides call as `guide.…`.

/** An application that runs, and what a snippet's lines want of it. */
export interface Running {
  get<T>(token: Type<T> | string | symbol): T;
  /** The default connection's. */
  readonly template: RocketMQTemplate;
  /** Only where `start` got classes and not a module. */
  readonly rocketmq: RocketMQTestConnection;
}

let applications: INestApplication[] = [];
let parts: { close(): Promise<void> }[] = [];
let output = '';
let namesrvAddr: string | undefined;

/**
 * Starts what a snippet declares: a module as it is, or classes in an application with a broker in this process.
 * @param options of the connection, for classes
 */
export async function start(
  declared: Type | ModuleMetadata,
  options: RocketMQModuleOptions = {},
  prepare: (app: INestApplication) => unknown = () => undefined,
): Promise<Running> {
  class Root {}
  const root =
    typeof declared === 'function'
      ? declared
      : { module: Root, ...declared, imports: [RocketMQTestingModule.forRoot(options), ...(declared.imports ?? [])] };
  const app = await NestFactory.create(root, { abortOnError: false });
  await prepare(app);
  await app.init();
  return {
    get: (token) => app.get(token, { strict: false }),
    get template() {
      return app.get(RocketMQTemplate, { strict: false });
    },
    get rocketmq() {
      return app.get(RocketMQTestConnection, { strict: false });
    },
  };
}

/** A listener that keeps what it gets. */
export function listener(topic: string, got: unknown[], consumerGroup = unique('guide')): Type {
  class Keeper {
    onMessage(payload: unknown): void {
      got.push(payload);
    }
  }
  RocketMQMessageListener({ topic, consumerGroup })(Keeper);
  return Keeper;
}

/** Creates topics on the cluster behind the addresses of the snippet. */
export async function topics(...names: string[]): Promise<void> {
  const admin = new Admin({ namesrvAddr: namesrvAddr! });
  await admin.start();
  for (const topic of names) await admin.topics.create({ topic });
  await admin.close();
}

/** Starts a part of the client, which is closed at the end. */
export async function started<T extends { start(): Promise<unknown>; close(): Promise<void> }>(part: T): Promise<T> {
  parts.push(part);
  await part.start();
  return part;
}

let database: Promise<PGlite> | undefined;

/** A PostgreSQL for all snippets, since it takes long to start. */
export function postgres(): Promise<PGlite> {
  database ??= PGlite.create();
  return database;
}

export async function closeDatabase(): Promise<void> {
  await (await database)?.close();
}

/** Where the application that the snippet made listens. */
export async function url(): Promise<string> {
  const listening = () => applications.find((app) => app.getHttpServer()?.listening);
  await waitFor(() => listening() !== undefined, { what: 'an application to listen' });
  return (await listening()!.getUrl()).replace('[::1]', 'localhost');
}

/** Resolves when the snippet has printed or logged a text. */
export async function printed(text: string): Promise<void> {
  await waitFor(() => output.includes(text), { what: `"${text}" to be printed` });
}

export { waitFor as until };

/**
 * Runs a snippet's module, and closes every application that it made.
 * @param cluster name server behind the addresses of the snippet
 * @throws what the snippet throws, with what it printed
 */
export async function run(load: () => Promise<unknown>, cluster: string | undefined): Promise<void> {
  output = '';
  applications = [];
  parts = [];
  namesrvAddr = cluster;
  // A testing module of the snippet before may have replaced it.
  Logger.overrideLogger(new ConsoleLogger({ colors: false }));
  const restore = [
    captureWrites(process.stdout),
    captureWrites(process.stderr),
    captureConsole(),
    captureApplications(),
  ];
  try {
    await load();
  } catch (error) {
    throw new Error(`${(error as Error).stack}\n\nThe snippet printed:\n${output}`, { cause: error });
  } finally {
    for (const part of [...applications, ...parts.reverse()]) await part.close();
    for (const undo of restore) undo();
  }
}

function captureWrites(stream: NodeJS.WriteStream): () => void {
  const write = stream.write;
  stream.write = ((text: string | Uint8Array) => {
    output += String(text);
    return true;
  }) as typeof write;
  return () => {
    stream.write = write;
  };
}

/** Jest's console does not write to the streams. */
function captureConsole(): () => void {
  const { log, warn, error } = console;
  const keep = (...args: unknown[]): void => {
    output += `${args.map(String).join(' ')}\n`;
  };
  Object.assign(console, { log: keep, warn: keep, error: keep });
  return () => Object.assign(console, { log, warn, error });
}

/** So that those a snippet makes itself are closed, too. */
function captureApplications(): () => void {
  const { create } = NestFactory;
  NestFactory.create = async (...args: unknown[]): Promise<never> => {
    const app = await (create as (...args: unknown[]) => Promise<INestApplication>).apply(NestFactory, args);
    applications.push(app);
    return app as never;
  };
  return () => {
    NestFactory.create = create;
  };
}
