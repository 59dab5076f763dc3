import type { ClientInstance } from '../instance.js';
import type { MessageQueue } from '../message-queue.js';
import { Accumulator, type Outcome, splitResult } from './accumulator.js';
import { assembleBatch } from './batch.js';
import type { PreparedMessage } from './outgoing-message.js';
import type { ProducerOptions } from './producer-options.js';
import type { QueuePickers } from './queue-pickers.js';
import type { QueuePicker } from './send-operation.js';
import type { SendOptions } from './send-options.js';
import type { SendPipeline } from './send-pipeline.js';
import type { SendCallback } from './send-result.js';

/** Turns single sends into batches where nobody can tell the difference. Java: DefaultMQProducer with autoBatch. */
export class AutoBatch {
  private readonly accumulator: Accumulator;

  constructor(
    private readonly instance: ClientInstance,
    private readonly options: ProducerOptions,
    private readonly pipeline: SendPipeline,
    private readonly pickers: QueuePickers,
  ) {
    this.accumulator = new Accumulator(options, (messages, queue) => this.send(messages, queue));
  }

  /** Lets the message wait for others, or sends it at once if it has conditions of its own. */
  submit(message: PreparedMessage, pick: QueuePicker, options: SendOptions, callback: SendCallback): void {
    if (!this.mayWait(message, pick, options, callback)) this.pipeline.submit(message, pick, options, callback);
  }

  private mayWait(message: PreparedMessage, pick: QueuePicker, options: SendOptions, callback: SendCallback): boolean {
    const { queue, selector, shardingKey, timeoutMs, acceptStatuses, signal } = options;
    if (timeoutMs !== undefined || acceptStatuses !== undefined || signal !== undefined) return false;
    if (queue === undefined && selector === undefined && shardingKey === undefined)
      return this.accumulator.add(message, undefined, callback);
    const route = this.instance.routes.get(message.topic);
    // Without a route nothing can be chosen yet: this one message finds it.
    if (route === undefined || route.publishQueues.length === 0) return false;
    return this.accumulator.add(message, pick(route, undefined), callback);
  }

  /** Sends everything that waits, now. */
  flush(): void {
    this.accumulator.flushAll();
  }

  /** One send, or several one after another when together they exceed maxMessageBytes. */
  private async send(
    messages: readonly PreparedMessage[],
    queue: MessageQueue | undefined,
  ): Promise<readonly Outcome[]> {
    const { topic, properties } = messages[0]!;
    const { TAGS, WAIT } = properties;
    const common = { ...(TAGS === undefined ? {} : { TAGS }), ...(WAIT === undefined ? {} : { WAIT }) };
    const pick = queue === undefined ? this.pickers.turnTaking(topic) : () => queue;
    const outcomes: Outcome[] = [];
    for (const part of assembleBatch(messages, common, this.options.maxMessageBytes)) {
      const outcome = await this.sendPart(part, pick);
      if (outcome instanceof Error) outcomes.push(...Array.from({ length: part.messageCount }, () => outcome));
      else outcomes.push(...splitResult(outcome, part.messageCount));
    }
    return outcomes;
  }

  private sendPart(part: PreparedMessage, pick: QueuePicker): Promise<Outcome> {
    return new Promise((resolve) => {
      this.pipeline.submit(part, pick, {}, (error, result) => resolve(error ?? result!));
    });
  }
}
