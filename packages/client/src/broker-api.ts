import {
  createRequest,
  type DecodedFields,
  decodeFields,
  encodeHeartbeat,
  encodeLockBatchRequest,
  type FieldInput,
  type FieldMap,
  type HeartbeatData,
  PullSysFlag,
  parseConsumerListBody,
  parseConsumerOffsets,
  parseGroupList,
  parseLockBatchResponse,
  parseTopicRoute,
  type RemotingCommand,
  type RequestDefinition,
  type RequestInput,
  Requests,
  ResponseCode,
  ResponseError,
  responseCodeName,
  type TopicRouteData,
  V5_0_0,
} from '@rocketnest/protocol';
import type { RemotingClient } from '@rocketnest/remoting';
import { accessHint } from './credentials.js';
import type { MessageQueue } from './message-queue.js';
import type { NameServers } from './name-servers.js';
import type { ClientOptions } from './options.js';

export interface CallOptions {
  readonly body?: Buffer;
  /** Default: the client's requestTimeoutMs. */
  readonly timeoutMs?: number;
  /** Response codes that are answers, not errors. Default: SUCCESS. */
  readonly accept?: readonly number[];
  /** What the request says it was written in. Default: NODE_JS, which older brokers read as null. Java: LanguageCode. */
  readonly language?: string;
  /** Fields beside those of the definition: what older brokers called them. */
  readonly olderFields?: Readonly<Record<string, string>>;
}

export interface CallResult<R extends FieldMap> {
  readonly code: number;
  readonly remark: string | null;
  readonly fields: DecodedFields<R>;
  readonly body: Buffer;
  readonly response: RemotingCommand;
}

/** Node style: exactly one of the two arguments is set. */
export type ResponseCallback = (error: Error | null, response?: RemotingCommand) => void;

const SUCCESS_ONLY: readonly number[] = [ResponseCode.SUCCESS];
const EMPTY = Buffer.alloc(0);

/** The error for a response code nobody expected: what was asked, of whom, and the peer's own words. */
export function responseError(name: string, peer: string, response: RemotingCommand): ResponseError {
  const said = response.remark ? `: ${response.remark}` : '';
  return new ResponseError(
    `${name} to ${peer} was answered with ${responseCodeName(response.code)} (${response.code})${said}${accessHint(response)}`,
    {
      responseCode: response.code,
      remark: response.remark,
      context: { request: name, peer },
    },
  );
}

/**
 * One function per request the client sends, typed over the protocol's request table. `address` is a broker's "host:port".
 * Every function rejects with ConnectionError, TimeoutError, ClosedError, or ResponseError for a code that is not an answer.
 * Java: MQClientAPIImpl.
 */
export class BrokerApi {
  constructor(
    private readonly remoting: RemotingClient,
    private readonly nameServers: NameServers,
    private readonly options: Pick<ClientOptions, 'requestTimeoutMs' | 'vipChannelEnabled'>,
  ) {}

  /** Where a broker takes sends, offsets and locks: with vipChannelEnabled its port minus 2. Java: MixAll.brokerVIPChannel. */
  vipAddress(address: string): string {
    if (!this.options.vipChannelEnabled) return address;
    const colon = address.lastIndexOf(':');
    return `${address.slice(0, colon)}:${Number(address.slice(colon + 1)) - 2}`;
  }

  /** Sends one request and checks the code; the building block of the functions below and of Admin. */
  async call<F extends FieldMap, R extends FieldMap>(
    address: string,
    definition: RequestDefinition<F, R>,
    fields: FieldInput<F>,
    options: CallOptions = {},
  ): Promise<CallResult<R>> {
    const request = createRequest(definition, fields, options.body);
    if (options.language !== undefined) request.language = options.language;
    if (options.olderFields !== undefined) Object.assign(request.extFields, options.olderFields);
    const response = await this.remoting.request(address, request, {
      timeoutMs: options.timeoutMs ?? this.options.requestTimeoutMs,
    });
    return this.accept(address, definition, response, options.accept);
  }

  /** The same to whichever name server answers. */
  async callNameServer<F extends FieldMap, R extends FieldMap>(
    definition: RequestDefinition<F, R>,
    fields: FieldInput<F>,
    options: CallOptions = {},
  ): Promise<CallResult<R>> {
    const response = await this.nameServers.request(
      () => createRequest(definition, fields, options.body),
      options.timeoutMs,
    );
    return this.accept('the name server', definition, response, options.accept);
  }

  private accept<F extends FieldMap, R extends FieldMap>(
    peer: string,
    definition: RequestDefinition<F, R>,
    response: RemotingCommand,
    accepted = SUCCESS_ONLY,
  ): CallResult<R> {
    if (!accepted.includes(response.code)) throw responseError(definition.name, peer, response);
    // Only a success carries the response header; other accepted codes have their code and nothing else.
    const fields =
      response.code === ResponseCode.SUCCESS
        ? decodeFields(definition.response, response.extFields, definition.name)
        : ({} as DecodedFields<R>);
    return { code: response.code, remark: response.remark, fields, body: bodyOf(response), response };
  }

  // Name server

  /** Null when the name server does not know the topic. */
  async topicRoute(topic: string): Promise<TopicRouteData | null> {
    const { code, body } = await this.callNameServer(
      Requests.getRouteinfoByTopic,
      { topic },
      {
        accept: [ResponseCode.SUCCESS, ResponseCode.TOPIC_NOT_EXIST],
      },
    );
    return code === ResponseCode.SUCCESS && body.length > 0 ? parseTopicRoute(body) : null;
  }

  // Hot paths: no promise per request; the caller reads code and header itself.

  /** Sends an already made request (send, pull); the callback gets whatever the broker answers. */
  invoke(address: string, request: RemotingCommand, timeoutMs: number, callback: ResponseCallback): void {
    this.remoting.requestCallback(address, request, timeoutMs, callback);
  }

  /** Resolves when the request is handed to the socket; brokers do not answer it. */
  invokeOneway(address: string, request: RemotingCommand): Promise<void> {
    return this.remoting.sendOneway(address, request);
  }

  /**
   * PULL_MESSAGE, or LITE_PULL_MESSAGE when sysFlag says so. `timeoutMs` must exceed `fields.suspendTimeoutMillis`, for which the broker may hold the request.
   * Read the answer with `decodeFields(Requests.pullMessage.response, …)`; codes are SUCCESS, PULL_NOT_FOUND,
   * PULL_RETRY_IMMEDIATELY, PULL_OFFSET_MOVED, else an error (see {@link responseError}).
   */
  pullMessage(
    address: string,
    fields: RequestInput<typeof Requests.pullMessage>,
    timeoutMs: number,
    callback: ResponseCallback,
  ): void {
    const lite = (fields.sysFlag & PullSysFlag.LITE_PULL_MESSAGE) !== 0;
    const definition = lite ? Requests.litePullMessage : Requests.pullMessage;
    this.invoke(address, createRequest(definition, fields), timeoutMs, callback);
  }

  // Clients and groups

  /** HEART_BEAT. Resolves to the broker's version (ordinal of Java's MQVersion). */
  async heartbeat(address: string, data: HeartbeatData): Promise<number> {
    const { response } = await this.call(address, Requests.heartBeat, {}, { body: encodeHeartbeat(data) });
    return response.version;
  }

  async unregisterClient(address: string, fields: RequestInput<typeof Requests.unregisterClient>): Promise<void> {
    await this.call(address, Requests.unregisterClient, fields);
  }

  /** Client ids of a consumer group's live members. Empty while the broker knows none. */
  async consumerIdList(address: string, consumerGroup: string): Promise<string[]> {
    // A broker that has not seen the group yet answers SYSTEM_ERROR "no consumer for this group".
    const { code, body } = await this.call(
      address,
      Requests.getConsumerListByGroup,
      { consumerGroup },
      {
        accept: [ResponseCode.SUCCESS, ResponseCode.SYSTEM_ERROR],
      },
    );
    if (code !== ResponseCode.SUCCESS || body.length === 0) return [];
    // A member that had to connect anew is listed twice until the broker misses its old connection; its share is one all the same.
    return [...new Set(parseConsumerListBody(body).consumerIdList)];
  }

  // Offsets

  /** The group's committed offset of a queue; null when it has none. */
  async consumerOffset(
    address: string,
    fields: RequestInput<typeof Requests.queryConsumerOffset>,
    timeoutMs?: number,
  ): Promise<number | null> {
    const {
      code,
      fields: found,
      response,
    } = await this.call(this.vipAddress(address), Requests.queryConsumerOffset, fields, {
      accept: [ResponseCode.SUCCESS, ResponseCode.QUERY_NOT_FOUND],
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    if (code !== ResponseCode.SUCCESS) return null;
    // 5.x brokers know setZeroIfNotFound.
    const suspect = found.offset === 0 && fields.setZeroIfNotFound === false && response.version < V5_0_0;
    return suspect && (await this.neverCommitted(address, fields)) ? null : found.offset;
  }

  /**
   * 4.x brokers answer 0 also for a queue that a group never read, if they have its first message in memory: a new group would get a
   * young topic's history whatever it asked for. Two questions tell: which groups have offsets of the topic, a short list, and only
   * for one that has some, perhaps another member's, all offsets of the broker. A broker that answers neither leaves it at the 0.
   */
  private async neverCommitted(
    address: string,
    { consumerGroup, topic, queueId }: RequestInput<typeof Requests.queryConsumerOffset>,
  ): Promise<boolean> {
    try {
      const groups = parseGroupList((await this.call(address, Requests.queryTopicConsumeByWho, { topic })).body);
      if (!groups.groupList.includes(consumerGroup)) return true;
      const offsets = parseConsumerOffsets((await this.call(address, Requests.getAllConsumerOffset, {})).body);
      return offsets.offsetTable[`${topic}@${consumerGroup}`]?.[queueId] === undefined;
    } catch {
      return false;
    }
  }

  /** Commits an offset and waits for the broker's answer. */
  async updateConsumerOffset(
    address: string,
    fields: RequestInput<typeof Requests.updateConsumerOffset>,
  ): Promise<void> {
    await this.call(this.vipAddress(address), Requests.updateConsumerOffset, fields);
  }

  /** Commits an offset without an answer, as Java does on its timer. */
  updateConsumerOffsetOneway(
    address: string,
    fields: RequestInput<typeof Requests.updateConsumerOffset>,
  ): Promise<void> {
    return this.invokeOneway(this.vipAddress(address), createRequest(Requests.updateConsumerOffset, fields));
  }

  /** One past the last message of a queue. */
  async maxOffset(address: string, queue: MessageQueue): Promise<number> {
    const { topic, queueId } = queue;
    return (await this.call(this.vipAddress(address), Requests.getMaxOffset, { topic, queueId })).fields.offset;
  }

  async minOffset(address: string, queue: MessageQueue): Promise<number> {
    const { topic, queueId } = queue;
    return (await this.call(this.vipAddress(address), Requests.getMinOffset, { topic, queueId })).fields.offset;
  }

  /** Offset of the first message stored at or after `timestamp` (ms since 1970). */
  async searchOffset(address: string, queue: MessageQueue, timestamp: number): Promise<number> {
    const { topic, queueId } = queue;
    return (await this.call(this.vipAddress(address), Requests.searchOffsetByTimestamp, { topic, queueId, timestamp }))
      .fields.offset;
  }

  // Ordered consumption and retry

  /** Asks for the exclusive right to consume `queues`; resolves to those granted. */
  async lockBatch(
    address: string,
    consumerGroup: string,
    clientId: string,
    queues: readonly MessageQueue[],
  ): Promise<MessageQueue[]> {
    const body = encodeLockBatchRequest({ consumerGroup, clientId, mqSet: [...queues] });
    return [
      ...parseLockBatchResponse((await this.call(this.vipAddress(address), Requests.lockBatchMq, {}, { body })).body)
        .lockOKMQSet,
    ];
  }

  /** Gives up locks without an answer: the broker also expires them. */
  unlockBatch(
    address: string,
    consumerGroup: string,
    clientId: string,
    queues: readonly MessageQueue[],
  ): Promise<void> {
    const body = encodeLockBatchRequest({ consumerGroup, clientId, mqSet: [...queues] });
    return this.invokeOneway(this.vipAddress(address), createRequest(Requests.unlockBatchMq, {}, body));
  }

  /** Hands a message back for a later retry; a negative delayLevel sends it to the dead letter queue. */
  async consumerSendMessageBack(
    address: string,
    fields: RequestInput<typeof Requests.consumerSendMsgBack>,
    timeoutMs?: number,
  ): Promise<void> {
    await this.call(
      this.vipAddress(address),
      Requests.consumerSendMsgBack,
      fields,
      timeoutMs === undefined ? {} : { timeoutMs },
    );
  }

  // Transactions

  /** END_TRANSACTION, oneway as in Java: a lost decision is asked for again by the broker's check. */
  endTransaction(
    address: string,
    fields: RequestInput<typeof Requests.endTransaction>,
    remark: string | null,
  ): Promise<void> {
    const request = createRequest(Requests.endTransaction, fields);
    request.remark = remark;
    return this.invokeOneway(address, request);
  }
}

/** The body as one buffer; empty when there is none. */
export function bodyOf(command: RemotingCommand): Buffer {
  const { body } = command;
  return body === null ? EMPTY : Array.isArray(body) ? Buffer.concat(body) : body;
}
