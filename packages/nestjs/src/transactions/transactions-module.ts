import type { DynamicModule, Provider, Type } from '@nestjs/common';
import { ConfigurableModuleBuilder, Inject, Module } from '@nestjs/common';
import type { RocketMQConnection } from '../connection.js';
import { DEFAULT_CONNECTION, getRocketMQConnectionToken } from '../tokens.js';
import type { RocketMQTransactionsOptions } from './options.js';
import { RocketMQTransactions } from './transactions.js';

/** What `forRoot` and `forRootAsync` take beside the options; it must be known before any factory runs. */
export interface RocketMQTransactionsExtras {
  /** For applications with several databases: the same name in all their processes. Default: the connection's name. */
  readonly name?: string;
  /** Name of the connection that messages are sent through. Default: the unnamed one. */
  readonly connection?: string;
  /** Whether every module can inject it without importing this one. Default true. */
  readonly isGlobal?: boolean;
}

/** Injection token: the class itself for the one without a name. */
export function getRocketMQTransactionsToken(name: string = DEFAULT_CONNECTION): string | Type<RocketMQTransactions> {
  return name === DEFAULT_CONNECTION ? RocketMQTransactions : `RocketMQTransactions:${name}`;
}

/** Injects what `RocketMQTransactionsModule.forRoot({ name, … })` made. */
export const InjectRocketMQTransactions = (name?: string): ParameterDecorator & PropertyDecorator =>
  Inject(getRocketMQTransactionsToken(name));

/** For `forRootAsync({ useClass })` and `useExisting`. */
export interface RocketMQTransactionsOptionsFactory {
  createRocketMQTransactionsOptions(): RocketMQTransactionsOptions | Promise<RocketMQTransactionsOptions>;
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<RocketMQTransactionsOptions>({ moduleName: 'RocketMQTransactions' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createRocketMQTransactionsOptions')
    .setExtras<RocketMQTransactionsExtras>({}, addTransactions)
    .build();

function addTransactions(
  definition: DynamicModule,
  { connection = DEFAULT_CONNECTION, name = connection, isGlobal = true }: RocketMQTransactionsExtras,
): DynamicModule {
  const token = getRocketMQTransactionsToken(name);
  const provider: Provider = {
    provide: token,
    useFactory: (of: RocketMQConnection, options: RocketMQTransactionsOptions) =>
      new RocketMQTransactions(of, options, name),
    inject: [getRocketMQConnectionToken(connection), MODULE_OPTIONS_TOKEN],
  };
  return {
    ...definition,
    global: isGlobal,
    providers: [...(definition.providers ?? []), provider],
    exports: [...(definition.exports ?? []), token],
  };
}

export type RocketMQTransactionsModuleForRootOptions = typeof OPTIONS_TYPE;
export type RocketMQTransactionsModuleAsyncOptions = typeof ASYNC_OPTIONS_TYPE;

/**
 * Transactional messages with an SQL database, beside `RocketMQModule`.
 *
 * ```ts
 * RocketMQTransactionsModule.forRootAsync({
 *   inject: [DataSource],
 *   useFactory: (dataSource: DataSource) => ({ database: typeOrmDatabase(dataSource) }),
 * })
 * ```
 */
@Module({})
export class RocketMQTransactionsModule extends ConfigurableModuleClass {}
