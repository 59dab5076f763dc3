import type { DynamicModule, Provider, Type } from '@nestjs/common';
import { ConfigurableModuleBuilder, Inject, Module } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { RocketMQConnection } from '../connection.js';
import { DEFAULT_CONNECTION, getRocketMQConnectionToken } from '../tokens.js';
import type { RocketMQOutboxOptions } from './options.js';
import { RocketMQOutbox } from './outbox.js';

/** What `forRoot` and `forRootAsync` take beside the options; it must be known before any factory runs. */
export interface RocketMQOutboxExtras {
  /** Name of the outbox, for applications that have several. Default: the connection's name. */
  readonly name?: string;
  /** Name of the connection that messages are sent through. Default: the unnamed one. */
  readonly connection?: string;
  /** Whether every module can inject the outbox without importing this one. Default true. */
  readonly isGlobal?: boolean;
}

/** Injection token of an outbox: the class itself for the one without a name. */
export function getRocketMQOutboxToken(name: string = DEFAULT_CONNECTION): string | Type<RocketMQOutbox> {
  return name === DEFAULT_CONNECTION ? RocketMQOutbox : `RocketMQOutbox:${name}`;
}

/** Injects the outbox made by `RocketMQOutboxModule.forRoot({ name, … })`. */
export const InjectRocketMQOutbox = (name?: string): ParameterDecorator & PropertyDecorator =>
  Inject(getRocketMQOutboxToken(name));

/** For `forRootAsync({ useClass })` and `useExisting`. */
export interface RocketMQOutboxOptionsFactory {
  createRocketMQOutboxOptions(): RocketMQOutboxOptions | Promise<RocketMQOutboxOptions>;
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<RocketMQOutboxOptions>({ moduleName: 'RocketMQOutbox' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createRocketMQOutboxOptions')
    .setExtras<RocketMQOutboxExtras>({}, addOutbox)
    .build();

function addOutbox(
  definition: DynamicModule,
  { connection = DEFAULT_CONNECTION, name = connection, isGlobal = true }: RocketMQOutboxExtras,
): DynamicModule {
  const token = getRocketMQOutboxToken(name);
  const provider: Provider = {
    provide: token,
    useFactory: (of: RocketMQConnection, options: RocketMQOutboxOptions, modules: ModulesContainer) => {
      putBehindListeners(modules);
      return new RocketMQOutbox(of, options, name);
    },
    inject: [getRocketMQConnectionToken(connection), MODULE_OPTIONS_TOKEN, ModulesContainer],
  };
  return {
    ...definition,
    global: isGlobal,
    providers: [...(definition.providers ?? []), provider],
    exports: [...(definition.exports ?? []), token],
  };
}

/** Shutdown hooks run from the nearest module to the farthest; listeners are at -1, the root at 0. */
function putBehindListeners(modules: ModulesContainer): void {
  for (const module of modules.values()) {
    if (module.metatype === RocketMQOutboxModule) module.distance = -0.5;
  }
}

export type RocketMQOutboxModuleForRootOptions = typeof OPTIONS_TYPE;
export type RocketMQOutboxModuleAsyncOptions = typeof ASYNC_OPTIONS_TYPE;

/**
 * An outbox for a Nest application, beside `RocketMQModule`.
 *
 * ```ts
 * RocketMQOutboxModule.forRootAsync({
 *   inject: [DataSource],
 *   useFactory: (dataSource: DataSource) => ({ database: typeOrmDatabase(dataSource) }),
 * })
 * ```
 */
@Module({})
export class RocketMQOutboxModule extends ConfigurableModuleClass {}
