import type { Type } from '@nestjs/common';
import { Inject } from '@nestjs/common';
import { RocketMQConnection } from './connection.js';
import { RocketMQTemplate } from './template.js';

/** Name of the connection that `forRoot` makes when no `name` is given. */
export const DEFAULT_CONNECTION = 'default';

type Token<T> = string | Type<T>;

/** Injection token of a connection's template: the class itself for the default connection. For `overrideProvider` and `get`. */
export function getRocketMQTemplateToken(name: string = DEFAULT_CONNECTION): Token<RocketMQTemplate> {
  return name === DEFAULT_CONNECTION ? RocketMQTemplate : `RocketMQTemplate:${name}`;
}

/** Injection token of a connection: the class itself for the default connection. */
export function getRocketMQConnectionToken(name: string = DEFAULT_CONNECTION): Token<RocketMQConnection> {
  return name === DEFAULT_CONNECTION ? RocketMQConnection : `RocketMQConnection:${name}`;
}

/** Injects the template of the connection made by `RocketMQModule.forRoot({ name, … })`. */
export const InjectRocketMQTemplate = (name?: string): ParameterDecorator & PropertyDecorator =>
  Inject(getRocketMQTemplateToken(name));

/** Injects the connection made by `RocketMQModule.forRoot({ name, … })`. */
export const InjectRocketMQConnection = (name?: string): ParameterDecorator & PropertyDecorator =>
  Inject(getRocketMQConnectionToken(name));
