import {
  createRequest,
  isReadable,
  type MessageQueue,
  ProtocolError,
  parseTopicRoute,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import type { RemotingClient } from '@rocketnest/remoting';
import type { BrokerContext } from '../context.js';
import { byQueue } from './allocation.js';

/** Time a name server has for a route. Java: `TopicRouteInfoManager.GET_TOPIC_ROUTE_TIMEOUT`. */
const ROUTE_TIMEOUT_MS = 3_000;

interface Known {
  readonly queues: readonly MessageQueue[] | null;
  readonly askedAt: number;
}

type Parts = Pick<BrokerContext, 'options' | 'clock' | 'logger' | 'topics'> & { readonly client: RemotingClient };

/**
 * The readable queues of a topic on all brokers, as the name servers know them (`TopicRouteInfoManager`). A route is asked for
 * again when it is older than `loadBalancePollNameServerInterval`. A broker without name servers knows its own queues.
 */
export class TopicQueues {
  private readonly known = new Map<string, Known>();
  private readonly asking = new Map<string, Promise<readonly MessageQueue[] | null>>();

  constructor(private readonly parts: Parts) {}

  /** Sorted; null when no route is known. */
  async of(topic: string): Promise<readonly MessageQueue[] | null> {
    const { options, clock } = this.parts;
    const servers = options.namesrvAddr.split(';').flatMap((address) => address.trim() || []);
    if (servers.length === 0) return this.own(topic);
    const known = this.known.get(topic);
    const fresh = known?.queues && clock.now() - known.askedAt < options.loadBalancePollNameServerInterval;
    if (fresh) return known.queues;
    const asking = this.asking.get(topic) ?? this.ask(topic, servers, known);
    this.asking.set(topic, asking);
    return asking.finally(() => this.asking.delete(topic));
  }

  private own(topic: string): readonly MessageQueue[] | null {
    const config = this.parts.topics.get(topic);
    if (config === undefined) return null;
    const { brokerName } = this.parts.options;
    return Array.from({ length: isReadable(config.perm) ? config.readQueueNums : 0 }, (_, queueId) => ({
      topic,
      brokerName,
      queueId,
    }));
  }

  private async ask(
    topic: string,
    servers: readonly string[],
    known: Known | undefined,
  ): Promise<readonly MessageQueue[] | null> {
    const { client, logger, clock } = this.parts;
    for (const server of servers) {
      try {
        const request = createRequest(Requests.getRouteinfoByTopic, { topic });
        const { code, body } = await client.request(server, request, { timeoutMs: ROUTE_TIMEOUT_MS });
        if (code !== ResponseCode.SUCCESS && code !== ResponseCode.TOPIC_NOT_EXIST) continue;
        const queues = code === ResponseCode.SUCCESS ? queuesOf(topic, body) : null;
        if (queues === null) this.known.delete(topic);
        else this.known.set(topic, { queues, askedAt: clock.now() });
        return queues;
      } catch (error) {
        logger.warn('no route from a name server', { server, topic, error });
      }
    }
    return known?.queues ?? null;
  }
}

function queuesOf(topic: string, body: Buffer | Buffer[] | null): MessageQueue[] {
  if (!Buffer.isBuffer(body)) throw new ProtocolError(`the route of ${topic} has no body`);
  return parseTopicRoute(body)
    .queueDatas.filter(({ perm }) => isReadable(perm))
    .flatMap(({ brokerName, readQueueNums }) =>
      Array.from({ length: readQueueNums }, (_, queueId) => ({ topic, brokerName, queueId })),
    )
    .sort(byQueue);
}
