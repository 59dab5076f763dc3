import { ClientInstance } from '../instance.js';
import type { ClientOptionsInput } from '../options.js';
import type { ClientStatus, StatusListener } from '../status.js';
import { AuthAdmin } from './auth.js';
import { BrokerAdmin } from './brokers.js';
import { BrokersOf } from './brokers-of.js';
import { ClientAdmin } from './clients.js';
import { ClusterAdmin } from './cluster.js';
import { ControllerAdmin } from './controllers.js';
import { DeadLetterAdmin } from './dead-letters.js';
import { GroupAdmin } from './groups.js';
import { MessageAdmin } from './messages.js';
import { NameServerAdmin } from './name-servers.js';
import { OffsetAdmin } from './offsets.js';
import { TopicAdmin } from './topics.js';
import { TraceAdmin } from './traces.js';

/**
 * Looks at and changes a cluster, by areas: `admin.topics.create(…)`, `admin.offsets.progress(…)`. Java: DefaultMQAdminExt.
 *
 * What several brokers know is asked of all of them; those that fail are listed beside the answer (Gathered). Changes that a
 * broker refuses or does not answer reject with ResponseError, ConnectionError or TimeoutError.
 */
export class Admin {
  readonly instance: ClientInstance;
  readonly cluster: ClusterAdmin;
  readonly topics: TopicAdmin;
  readonly groups: GroupAdmin;
  readonly offsets: OffsetAdmin;
  readonly messages: MessageAdmin;
  readonly deadLetters: DeadLetterAdmin;
  readonly clients: ClientAdmin;
  readonly traces: TraceAdmin;
  readonly brokers: BrokerAdmin;
  readonly nameServers: NameServerAdmin;
  readonly auth: AuthAdmin;
  readonly controllers: ControllerAdmin;
  private readonly ownsInstance: boolean;

  /** @param options those of the client, or a shared instance, which the caller starts and closes */
  constructor(options: ClientOptionsInput | ClientInstance) {
    this.ownsInstance = !(options instanceof ClientInstance);
    this.instance = options instanceof ClientInstance ? options : new ClientInstance(options);
    const brokers = new BrokersOf(this.instance);
    this.topics = new TopicAdmin(brokers);
    this.groups = new GroupAdmin(brokers);
    this.offsets = new OffsetAdmin(brokers, this.groups);
    this.cluster = new ClusterAdmin(brokers, this);
    this.clients = new ClientAdmin(brokers);
    this.messages = new MessageAdmin(brokers, this);
    this.deadLetters = new DeadLetterAdmin(brokers, this.topics, this.messages);
    this.traces = new TraceAdmin(this.messages);
    this.brokers = new BrokerAdmin(brokers);
    this.nameServers = new NameServerAdmin(brokers);
    this.auth = new AuthAdmin(brokers);
    this.controllers = new ControllerAdmin(brokers);
  }

  async start(): Promise<void> {
    if (this.ownsInstance) await this.instance.start();
  }

  /** How the client stands with its name servers and brokers. */
  get status(): ClientStatus {
    return this.instance.status;
  }

  /** Calls `listener` with every change of {@link status}. @returns a function that ends that */
  onStatus(listener: StatusListener): () => void {
    return this.instance.onStatus(listener);
  }

  async close(): Promise<void> {
    if (this.ownsInstance) await this.instance.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
