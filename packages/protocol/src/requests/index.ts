import type { RequestDefinition } from '../command.js';
import type { DecodedFields, FieldInput, FieldMap } from '../field.js';
import { authRequests } from './auth.js';
import { brokerRequests } from './broker.js';
import { clientRequests } from './client.js';
import { consumeRequests } from './consume.js';
import { controllerRequests } from './controller.js';
import { groupRequests } from './group.js';
import { liteRequests } from './lite.js';
import { namesrvRequests } from './namesrv.js';
import { popRequests } from './pop.js';
import { replicationRequests } from './replication.js';
import { sendRequests } from './send.js';
import { topicRequests } from './topic.js';

/**
 * The request table: one row per request of Apache RocketMQ 5.5.0, keyed by Java's constant in camelCase
 * (`SEND_MESSAGE_V2` → `sendMessageV2`). Codes that no part of 5.5.0 sends or answers have no row.
 *
 * Source of truth: the classes `…RequestHeader` and `…ResponseHeader` in rocketmq-remoting; a field is required where
 * Java says `@CFNotNull`, and has a default where Java's member is a primitive.
 */
export const Requests = {
  ...sendRequests,
  ...consumeRequests,
  ...clientRequests,
  ...popRequests,
  ...liteRequests,
  ...namesrvRequests,
  ...topicRequests,
  ...groupRequests,
  ...brokerRequests,
  ...replicationRequests,
  ...controllerRequests,
  ...authRequests,
} as const;

export type RequestName = keyof typeof Requests;

/** The same rows by area, for documentation. */
export const RequestGroups: readonly {
  readonly title: string;
  readonly requests: Readonly<Record<string, RequestDefinition<FieldMap, FieldMap>>>;
}[] = [
  { title: 'Sending, transactions, request and reply', requests: sendRequests },
  { title: 'Pulling, offsets, queue locks, reading single messages', requests: consumeRequests },
  { title: 'Client presence, and what brokers ask of clients', requests: clientRequests },
  { title: 'Server-side assignment and pop consumption', requests: popRequests },
  { title: 'Lite topics', requests: liteRequests },
  { title: 'The name server: registration, routes, key-value configuration', requests: namesrvRequests },
  { title: 'Topics of a broker', requests: topicRequests },
  { title: 'Consumer groups and producers of a broker', requests: groupRequests },
  { title: 'A broker itself: configuration, statistics, maintenance', requests: brokerRequests },
  { title: 'Brokers of one group among themselves', requests: replicationRequests },
  { title: 'The controller (used, not re-implemented)', requests: controllerRequests },
  { title: 'Users and access control lists', requests: authRequests },
];

/** The decoded fields of a request: `RequestFields<typeof Requests.pullMessage>`. */
export type RequestFields<D> =
  D extends RequestDefinition<infer F extends FieldMap, FieldMap> ? DecodedFields<F> : never;

/** What `createRequest` takes for a request: fields with a default may be left out. */
export type RequestInput<D> = D extends RequestDefinition<infer F extends FieldMap, FieldMap> ? FieldInput<F> : never;

/** The decoded fields of a successful response. */
export type ResponseFields<D> =
  D extends RequestDefinition<FieldMap, infer R extends FieldMap> ? DecodedFields<R> : never;

/** What a successful response is made from. */
export type ResponseInput<D> = D extends RequestDefinition<FieldMap, infer R extends FieldMap> ? FieldInput<R> : never;
