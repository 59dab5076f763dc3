import type { DynamicModule, Provider } from '@nestjs/common';
import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import { RocketMQConnection } from './connection.js';
import type { RocketMQFeatureOptions } from './feature.js';
import { featureModule } from './feature.js';
import { RocketMQListenersModule } from './listeners/listeners-module.js';
import type { RocketMQModuleOptions } from './options.js';
import { RocketMQTemplate } from './template.js';
import { DEFAULT_CONNECTION, getRocketMQConnectionToken, getRocketMQTemplateToken } from './tokens.js';
import type { TopicDeclaration } from './topics.js';

/** What `forRoot` and `forRootAsync` take beside the options; it must be known before any factory runs. */
export interface RocketMQModuleExtras {
  /** Name of the connection, for applications that have several. Default: the unnamed one. */
  readonly name?: string;
  /** Whether every module can inject the template without importing this one. Default true. */
  readonly isGlobal?: boolean;
}

/** For `forRootAsync({ useClass })` and `useExisting`. */
export interface RocketMQOptionsFactory {
  createRocketMQOptions(): RocketMQModuleOptions | Promise<RocketMQModuleOptions>;
}

const builder = new ConfigurableModuleBuilder<RocketMQModuleOptions>({ moduleName: 'RocketMQ' })
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createRocketMQOptions')
  .setExtras<RocketMQModuleExtras>({ name: DEFAULT_CONNECTION, isGlobal: true }, addConnection);

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } = builder.build();

function addConnection(
  definition: DynamicModule,
  { name = DEFAULT_CONNECTION, isGlobal = true }: RocketMQModuleExtras,
): DynamicModule {
  const connection = getRocketMQConnectionToken(name);
  const template = getRocketMQTemplateToken(name);
  const providers: Provider[] = [
    {
      provide: connection,
      useFactory: (options: RocketMQModuleOptions) => new RocketMQConnection(name, options),
      inject: [MODULE_OPTIONS_TOKEN],
    },
    { provide: template, useFactory: (of: RocketMQConnection) => new RocketMQTemplate(of), inject: [connection] },
  ];
  return {
    ...definition,
    global: isGlobal,
    providers: [...(definition.providers ?? []), ...providers],
    exports: [...(definition.exports ?? []), connection, template, RocketMQListenersModule],
  };
}

export type RocketMQModuleForRootOptions = typeof OPTIONS_TYPE;
export type RocketMQModuleAsyncOptions = typeof ASYNC_OPTIONS_TYPE;

/**
 * RocketMQ for a Nest application.
 *
 * ```ts
 * @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr: '127.0.0.1:9876' })] })
 * ```
 *
 * `forRootAsync` takes `useFactory`, `useClass` or `useExisting` in Nest's usual way. Import it once per connection.
 */
@Module({ imports: [RocketMQListenersModule] })
export class RocketMQModule extends ConfigurableModuleClass {
  /**
   * For the modules that use topics: `imports: [RocketMQModule.forFeature([{ name: 'order', type: 'FIFO', queues: 4 }])]`. The topics are
   * there before any consumer starts.
   * @throws ConfigurationError naming the path of the bad key
   */
  static forFeature(options: RocketMQFeatureOptions | readonly TopicDeclaration[]): DynamicModule {
    return featureModule(options);
  }
}
