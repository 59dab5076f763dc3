import {
  CommandFlag,
  createResponse,
  type DecodedCommand,
  encodeConsumerListBody,
  encodeLockBatchResponse,
  encodeMessage,
  encodeTopicRoute,
  isResponse,
  type MessageExt,
  parseHeartbeat,
  parseLockBatchRequest,
  type RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocketnest/protocol';
import { ScriptedPeer, waitFor } from '@rocketnest/testing';
import { pulled } from './stored-message.js';

type Answer = (request: DecodedCommand) => RemotingCommand | undefined | Promise<RemotingCommand | undefined>;

export const ok = (request: DecodedCommand, fields: Record<string, string> = {}, body?: Buffer): RemotingCommand =>
  createResponse(request, ResponseCode.SUCCESS, null, fields, body);

export const refuse =
  (code: number, remark = 'refused by the script'): Answer =>
  (request) =>
    createResponse(request, code, remark);

/**
 * Name server and broker in one scripted peer, for what a real broker does only on a bad day. One queue of one topic, whose
 * messages are `log`; the retry topic has a queue too and stays empty. Answers can be replaced by request code.
 */
export class ScriptedBroker {
  readonly log: MessageExt[] = [];
  /** Committed offsets by topic. */
  readonly committed = new Map<string, number>();
  readonly answers = new Map<number, Answer>();
  private clientIds: string[] = [];

  private constructor(readonly peer: ScriptedPeer) {
    const { answers } = this;
    answers.set(RequestCode.GET_ROUTEINFO_BY_TOPIC, (request) => ok(request, {}, this.route()));
    answers.set(RequestCode.HEART_BEAT, (request) => {
      this.clientIds = [parseHeartbeat(request.body as Buffer).clientID];
      return ok(request);
    });
    answers.set(RequestCode.UNREGISTER_CLIENT, (request) => ok(request));
    answers.set(RequestCode.GET_CONSUMER_LIST_BY_GROUP, (request) =>
      ok(request, {}, encodeConsumerListBody({ consumerIdList: this.clientIds })),
    );
    answers.set(RequestCode.QUERY_CONSUMER_OFFSET, (request) => {
      const offset = this.committed.get(request.extFields['topic']!);
      if (offset === undefined) return createResponse(request, ResponseCode.QUERY_NOT_FOUND, 'no offset');
      return ok(request, { offset: String(offset) });
    });
    answers.set(RequestCode.UPDATE_CONSUMER_OFFSET, (request) => {
      this.committed.set(request.extFields['topic']!, Number(request.extFields['commitOffset']));
      return ok(request);
    });
    answers.set(RequestCode.PULL_MESSAGE, (request) => this.pull(request));
    answers.set(RequestCode.LOCK_BATCH_MQ, (request) => {
      const lockOKMQSet = parseLockBatchRequest(request.body as Buffer).mqSet;
      return ok(request, {}, encodeLockBatchResponse({ lockOKMQSet }));
    });
  }

  static async start(): Promise<ScriptedBroker> {
    const broker = new ScriptedBroker(await ScriptedPeer.start());
    broker.peer.script((request) => broker.answers.get(request.code)?.(request));
    return broker;
  }

  /** Messages with these bodies follow the last one. */
  append(...bodies: string[]): void {
    for (const body of bodies) this.log.push(pulled(this.log.length, { body: Buffer.from(body) }));
  }

  /** Requests of one kind that have arrived. */
  received(code: number): DecodedCommand[] {
    return this.peer.received.filter((command) => command.code === code);
  }

  /** Asks the client something, as a broker does, over the connection the client pulls on; resolves to its answer. */
  async ask(request: RemotingCommand): Promise<DecodedCommand> {
    const opaque = 1_000_000 + this.peer.received.length;
    for (const connection of this.peer.connections) connection.send({ ...request, opaque });
    return waitFor(() => this.peer.received.find((command) => isResponse(command) && command.opaque === opaque), {
      what: `the client's answer to request ${request.code}`,
    });
  }

  /** Tells the client something that it does not answer. */
  tell(request: RemotingCommand): void {
    for (const connection of this.peer.connections) connection.send({ ...request, flag: CommandFlag.ONEWAY });
  }

  close(): Promise<void> {
    return this.peer.close();
  }

  private pull(request: DecodedCommand): RemotingCommand | undefined {
    const { topic, queueOffset } = request.extFields;
    const found = topic === 'T' ? this.log.slice(Number(queueOffset)) : [];
    // Long polling without an end.
    if (found.length === 0) return undefined;
    return ok(request, pullHeader(this.log.length, this.log.length), Buffer.concat(found.map(encodeMessage)));
  }

  private route(): Buffer {
    return encodeTopicRoute({
      brokerDatas: [{ cluster: 'c', brokerName: 'b', brokerAddrs: { 0: this.peer.address } }],
      queueDatas: [{ brokerName: 'b', readQueueNums: 1, writeQueueNums: 1, perm: 6, topicSysFlag: 0 }],
    });
  }
}

export function pullHeader(nextBeginOffset: number, maxOffset: number): Record<string, string> {
  return {
    suggestWhichBrokerId: '0',
    nextBeginOffset: String(nextBeginOffset),
    minOffset: '0',
    maxOffset: String(maxOffset),
  };
}
