import { RocketMQConnection } from '../connection.js';
import type { RocketMQModuleOptions } from '../options.js';

/** A transport's connection of its own: the same options as `RocketMQModule.forRoot`. */
export interface OwnConnectionOptions extends RocketMQModuleOptions {
  /** What it is called in logs, health, metrics and `context.getConnection()`. Default: `transport-` and the group, or `ClientRocketMQ`. */
  readonly name?: string;
}

/** Either a connection that `RocketMQModule` made (`app.get(RocketMQConnection)`), or options for one. */
export type ConnectionChoice = { readonly connection: RocketMQConnection } | OwnConnectionOptions;

/**
 * @param owner whose options these are, for error messages
 * @throws ConfigurationError naming the path of a bad option
 */
export function connect(options: ConnectionChoice, owner: string, defaultName: string): RocketMQConnection {
  if (isGiven(options)) return options.connection;
  const { name = defaultName, ...rest } = options;
  return new RocketMQConnection(name, rest, owner);
}

export const isGiven = (options: ConnectionChoice): options is { readonly connection: RocketMQConnection } =>
  'connection' in options;
