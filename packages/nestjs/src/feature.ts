import type { DynamicModule, OnModuleInit } from '@nestjs/common';
import { Module } from '@nestjs/common';
import type { RocketMQConnection } from './connection.js';
import { DEFAULT_CONNECTION, getRocketMQConnectionToken } from './tokens.js';
import type { TopicDeclaration } from './topics.js';
import { checkTopics } from './topics.js';

/** What one module of the application needs of a connection that `forRoot` made elsewhere. */
export interface RocketMQFeatureOptions {
  /** Name of the connection. Default: the unnamed one. */
  readonly connection?: string;
  /** Topics that the module uses; they are there before any consumer starts. */
  readonly topics: readonly TopicDeclaration[];
}

/** Sees to a feature's topics before any consumer starts. */
class FeatureTopics implements OnModuleInit {
  constructor(
    private readonly connection: RocketMQConnection,
    private readonly topics: readonly TopicDeclaration[],
  ) {}

  async onModuleInit(): Promise<void> {
    await this.connection.start();
    await this.connection.ensureTopics(this.topics);
  }
}

@Module({})
export class RocketMQFeatureModule {}

/** @throws ConfigurationError naming the path of the bad key */
export function featureModule(options: RocketMQFeatureOptions | readonly TopicDeclaration[]): DynamicModule {
  const { connection = DEFAULT_CONNECTION, topics } = isList(options) ? { topics: options } : options;
  checkTopics('RocketMQModule.forFeature topics', topics);
  return {
    module: RocketMQFeatureModule,
    providers: [
      {
        provide: FeatureTopics,
        useFactory: (of: RocketMQConnection) => new FeatureTopics(of, topics),
        inject: [getRocketMQConnectionToken(connection)],
      },
    ],
  };
}

const isList = (
  options: RocketMQFeatureOptions | readonly TopicDeclaration[],
): options is readonly TopicDeclaration[] => Array.isArray(options);
