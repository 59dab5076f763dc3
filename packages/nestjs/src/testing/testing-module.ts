import type { DynamicModule, Type } from '@nestjs/common';
import { Module } from '@nestjs/common';
import type { RocketMQConnection } from '../connection.js';
import { RocketMQListenersModule } from '../listeners/listeners-module.js';
import type { RocketMQModuleOptions } from '../options.js';
import { RocketMQTemplate } from '../template.js';
import { DEFAULT_CONNECTION, getRocketMQConnectionToken, getRocketMQTemplateToken } from '../tokens.js';
import { RocketMQFakeConnection } from './fake/fake-connection.js';
import { RocketMQTestConnection } from './test-connection.js';

/** What `forRoot` takes: the module's options, none of which is required. */
export interface RocketMQTestingOptions extends RocketMQModuleOptions {
  /** Name of the connection, for applications that have several. */
  readonly name?: string;
}

/**
 * RocketMQ for tests of modules that do not import RocketMQModule themselves.
 *
 * ```ts
 * const module = await Test.createTestingModule({
 *   imports: [RocketMQTestingModule.forRoot()],
 *   providers: [OrderService, StockListener],
 * }).compile();
 * await module.init();
 * const rocketmq = module.get(RocketMQTestConnection);
 * await module.get(OrderService).create(order);
 * await rocketmq.idle();
 * ```
 */
@Module({})
export class RocketMQTestingModule {
  /** A real name server and broker in this process; or with `namesrvAddr`, a cluster. See RocketMQTestConnection. */
  static forRoot({ name = DEFAULT_CONNECTION, ...options }: RocketMQTestingOptions = {}): DynamicModule {
    return provide(name, RocketMQTestConnection, () => new RocketMQTestConnection(options, name));
  }

  /** RocketMQ in memory, with time that stands still. See RocketMQFakeConnection. */
  static fake({ name = DEFAULT_CONNECTION, ...options }: RocketMQTestingOptions = {}): DynamicModule {
    return provide(name, RocketMQFakeConnection, () => new RocketMQFakeConnection(options, name));
  }
}

/** The connection under its own class (for the default one) and under the token that everything else asks for. */
function provide<C extends RocketMQConnection>(name: string, type: Type<C>, create: () => C): DynamicModule {
  const connection = getRocketMQConnectionToken(name);
  const template = getRocketMQTemplateToken(name);
  const own = name === DEFAULT_CONNECTION ? [{ provide: type, useExisting: connection }] : [];
  return {
    module: RocketMQTestingModule,
    global: true,
    imports: [RocketMQListenersModule],
    providers: [
      { provide: connection, useFactory: create },
      { provide: template, useFactory: (of: RocketMQConnection) => new RocketMQTemplate(of), inject: [connection] },
      ...own,
    ],
    exports: [connection, template, RocketMQListenersModule, ...own.map(({ provide: token }) => token)],
  };
}
