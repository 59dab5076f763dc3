import type { DynamicModule, INestApplication, LoggerService, ModuleMetadata, Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { RocketMQModule, type RocketMQModuleOptions } from '../../src/index.js';

/** Keeps what the application logged. */
export class RecordingLogger implements LoggerService {
  readonly lines: string[] = [];

  log(message: unknown): void {
    this.lines.push(`log ${String(message)}`);
  }

  warn(message: unknown): void {
    this.lines.push(`warn ${String(message)}`);
  }

  error(message: unknown): void {
    this.lines.push(`error ${String(message)}`);
  }

  /** Lines of a level that match. */
  find(level: 'log' | 'warn' | 'error', pattern: RegExp): string[] {
    return this.lines.filter((line) => line.startsWith(`${level} `) && pattern.test(line));
  }
}

export interface TestApp {
  readonly app: INestApplication;
  /** What the module logged. */
  readonly log: RecordingLogger;
  /** What Nest itself logged. */
  readonly nestLog: RecordingLogger;
  get<T>(type: Type<T> | string): T;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Options that make tests quick: topics that are created on demand are noticed at once. */
export const quick = {
  client: { pollNameServerIntervalMs: 50, heartbeatBrokerIntervalMs: 200, requestTimeoutMs: 15_000 },
  producer: { sendTimeoutMs: 15_000 },
} satisfies RocketMQModuleOptions;

/** Options for a cluster. */
export const at = (
  { namesrvAddr }: { namesrvAddr: string },
  more: RocketMQModuleOptions = {},
): RocketMQModuleOptions => ({
  namesrvAddr,
  ...more,
});

/** An initialised application, without an HTTP port. */
export async function startApp(
  rocketmq: RocketMQModuleOptions | DynamicModule[],
  metadata: ModuleMetadata,
  prepare: (app: INestApplication) => unknown = () => undefined,
): Promise<TestApp> {
  const log = new RecordingLogger();
  const modules = Array.isArray(rocketmq) ? rocketmq : [RocketMQModule.forRoot({ logger: log, ...quick, ...rocketmq })];
  const testing = await Test.createTestingModule({
    ...metadata,
    imports: [...modules, ...(metadata.imports ?? [])],
  }).compile();
  const nestLog = new RecordingLogger();
  testing.useLogger(nestLog);
  const app = testing.createNestApplication();
  try {
    await prepare(app);
    await app.init();
  } catch (error) {
    await app.close();
    throw error;
  }
  return {
    app,
    log,
    nestLog,
    get: (type) => app.get(type as never),
    close: () => app.close(),
    [Symbol.asyncDispose]: () => app.close(),
  };
}
