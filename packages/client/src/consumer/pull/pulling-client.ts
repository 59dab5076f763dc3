import { ClosedError, ConfigurationError } from '@rocketnest/protocol';
import { ClientInstance } from '../../instance.js';
import type { MessageQueue } from '../../message-queue.js';
import { type ClientOptionsInput, clientOptionTable, pickOptions } from '../../options.js';
import type { ClientStatus, StatusListener } from '../../status.js';

type State = 'created' | 'running' | 'closing' | 'closed';

/** What the pull consumers have in common: their instance, their life, and names with and without namespace. */
export abstract class PullingClient<O extends { readonly group: string }> {
  readonly group: string;
  /** Connections and routes; shared with others if it was given to the constructor. */
  readonly instance: ClientInstance;
  private readonly ownsInstance: boolean;
  private state: State = 'created';
  private starting: Promise<void> | undefined;
  private ending: Promise<void> | undefined;

  protected constructor(
    readonly options: O,
    instance: ClientInstance | undefined,
  ) {
    this.group = options.group;
    this.ownsInstance = instance === undefined;
    this.instance = instance ?? new ClientInstance(pickOptions(clientOptionTable, options) as ClientOptionsInput);
  }

  /** Joins the group. */
  protected abstract join(): Promise<void>;
  /** Nothing is read any more; resolves when what is being worked on is done. */
  protected abstract drain(): Promise<void>;
  /** Commits and leaves the group, also when join() failed half way. */
  protected abstract leave(): Promise<void>;

  /**
   * Joins the group. Idempotent.
   * @throws ConfigurationError when the instance has a consumer of this group already; ConnectionError when no name server answers;
   *   ResponseError when a broker refuses an SQL filter. The consumer is closed then.
   */
  async start(): Promise<void> {
    if (this.state === 'closing' || this.state === 'closed') throw this.notRunning();
    this.starting ??= this.startUp();
    await this.starting;
  }

  /** True between start() and close(). */
  get running(): boolean {
    return this.state === 'running';
  }

  /** How the client stands with its name servers and brokers. */
  get status(): ClientStatus {
    return this.instance.status;
  }

  /** Calls `listener` with every change of {@link status}. @returns a function that ends that */
  onStatus(listener: StatusListener): () => void {
    return this.instance.onStatus(listener);
  }

  /** Commits what is noted as consumed, leaves the group and closes connections of its own. Idempotent. */
  close(): Promise<void> {
    this.ending ??= this.shutDown();
    return this.ending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private async startUp(): Promise<void> {
    try {
      if (this.ownsInstance) await this.instance.start();
      await this.join();
      this.state = 'running';
    } catch (error) {
      await this.tearDown();
      throw error;
    }
  }

  private async shutDown(): Promise<void> {
    // Closing half of what start() is still making would leave the other half.
    await this.starting?.catch(() => {});
    if (this.state === 'running') {
      this.state = 'closing';
      await this.drain();
    }
    if (this.state !== 'closed') await this.tearDown();
  }

  private async tearDown(): Promise<void> {
    this.state = 'closed';
    if (this.starting !== undefined) await this.leave();
    if (this.ownsInstance) await this.instance.close();
  }

  /** True once close() was called. */
  protected get ended(): boolean {
    return this.ending !== undefined || this.state === 'closed';
  }

  /** @throws ClosedError before start() and once close() was called */
  protected checkRunning(): void {
    if (this.state !== 'running') throw this.notRunning();
  }

  /**
   * The same, but work that ends may still ask for offsets and commit them; and while it starts, listeners hear of the first share, in
   * which they may seek.
   */
  protected checkOpen(): void {
    const isStarting = this.state === 'created' && this.starting !== undefined;
    if (this.state !== 'closing' && !isStarting) this.checkRunning();
  }

  /** The queue as brokers know it. */
  protected inner({ topic, brokerName, queueId }: MessageQueue): MessageQueue {
    return { topic: this.instance.namespace.wrapTopic(topic), brokerName, queueId };
  }

  /** The readable queues of a topic, as name servers know them now. Rejects with NoRouteError when it does not exist. */
  protected async readableQueues(topic: string): Promise<readonly MessageQueue[]> {
    this.checkOpen();
    const { namespace, routes } = this.instance;
    const route = await routes.refresh(namespace.wrapTopic(topic));
    if (route === null) throw routes.noRoute(topic);
    return namespace.unwrapQueues(route.subscribeQueues);
  }

  protected refused(message: string, context: object = {}): ConfigurationError {
    return new ConfigurationError(message, { context: { group: this.group, ...context } });
  }

  private notRunning(): ClosedError {
    const created = this.state === 'created';
    const next = created ? 'Call and await start() first.' : 'Create a new consumer.';
    return new ClosedError(`Consumer group ${this.group} is ${created ? 'not started' : this.state}. ${next}`, {
      context: { group: this.group, state: this.state },
    });
  }
}
