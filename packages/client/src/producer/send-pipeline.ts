import { ClosedError, ResponseCode, ResponseError, SendError, TimeoutError } from '@rocketnest/protocol';
import type { ClientInstance } from '../instance.js';
import type { MessageQueue } from '../message-queue.js';
import { BodyCompressor } from './body-compressor.js';
import { FaultLatency } from './fault-latency.js';
import { InFlightGate } from './in-flight-gate.js';
import type { PreparedMessage } from './outgoing-message.js';
import type { ProducerOptions } from './producer-options.js';
import type { QueueSelector } from './queue-selector.js';
import { SendHooks } from './send-hook.js';
import { type QueuePicker, type SendEnvironment, SendOperation } from './send-operation.js';
import type { SendCallback, SendResult, SendStatus } from './send-result.js';

export interface SendOptions {
  /** Budget of this send in ms. Default: the producer's sendTimeoutMs. */
  readonly timeoutMs?: number | undefined;
  /**
   * Same key, same queue, so that consumers can see the messages in order. Await each send before the next of its key: an Apache
   * broker serves requests of one connection in parallel.
   */
  readonly shardingKey?: string | undefined;
  /** Send to this queue and no other. */
  readonly queue?: MessageQueue | undefined;
  /** Chooses the queue; asked again when a send is repeated. */
  readonly selector?: QueueSelector | undefined;
  /** Statuses that count as success. Default: only SEND_OK. */
  readonly acceptStatuses?: readonly SendStatus[] | undefined;
  /** Aborting rejects the promise; the broker may store the message nevertheless. */
  readonly signal?: AbortSignal | undefined;
}

const FAILURE_LOG_INTERVAL_MS = 1_000;
const ACCEPT_SEND_OK: readonly SendStatus[] = ['SEND_OK'];

/**
 * The way of every answered send: compress, wait for a free slot, send with repeats, judge the status, tell the hooks.
 * Callback style throughout: a send that finds a slot and a known route costs no promise of its own.
 */
export class SendPipeline implements SendEnvironment {
  readonly faults: FaultLatency | undefined;
  readonly hooks: SendHooks;
  readonly compressor: BodyCompressor;
  private readonly gate: InFlightGate;
  private readonly operations = new Set<SendOperation>();
  /** Failed attempts since the last log line about them. */
  private failures = 0;
  private failuresLoggedAt = Number.NEGATIVE_INFINITY;

  constructor(
    readonly instance: ClientInstance,
    readonly options: ProducerOptions,
  ) {
    this.gate = new InFlightGate(options.maxInFlightSends, options.maxInFlightBytes);
    this.hooks = new SendHooks(options.hooks, options.group, instance);
    this.compressor = new BodyCompressor(options);
    this.faults = options.latencyFaultEnable ? new FaultLatency() : undefined;
  }

  get inFlight(): number {
    return this.gate.inFlight;
  }

  /** The callback gets the outcome exactly once. */
  submit(prepared: PreparedMessage, pick: QueuePicker, options: SendOptions, callback: SendCallback): void {
    const deadline = performance.now() + (options.timeoutMs ?? this.options.sendTimeoutMs);
    const done = this.hooks.observing ? this.hooks.around(prepared, callback) : callback;
    const compressing = this.compressor.compress(prepared);
    if (compressing === undefined) this.enter(prepared, pick, options, deadline, done);
    else compressing.then(() => this.enter(prepared, pick, options, deadline, done), done);
  }

  onStored(): void {
    this.gate.answered();
  }

  /** Books a failed attempt. With thousands in flight, one line a second says as much as thousands. */
  onFailure(broker: string, error: Error): void {
    const now = performance.now();
    if (error instanceof ResponseError && error.responseCode === ResponseCode.SYSTEM_BUSY) this.gate.overloaded(now);
    this.failures++;
    if (now - this.failuresLoggedAt < FAILURE_LOG_INTERVAL_MS) return;
    this.instance.logger.warn('attempts to send failed', {
      group: this.options.group,
      attempts: this.failures,
      broker,
      error: error.message,
    });
    this.failures = 0;
    this.failuresLoggedAt = now;
  }

  /** Waits for sends under way up to closeTimeoutMs, then fails them. */
  async close(): Promise<void> {
    const { group, closeTimeoutMs } = this.options;
    if (await this.gate.whenIdle(closeTimeoutMs)) return;
    this.instance.logger.warn(`producer ${group} closes with sends under way`, {
      sends: this.operations.size,
      closeTimeoutMs,
    });
    const error = new ClosedError(
      `Producer ${group} was closed and the send did not end within ${closeTimeoutMs} ms. The broker may have stored the message. Await sends before close(), or raise closeTimeoutMs.`,
      { context: { group } },
    );
    this.gate.rejectWaiting(error);
    for (const operation of [...this.operations]) operation.cancel(error);
  }

  private enter(
    prepared: PreparedMessage,
    pick: QueuePicker,
    options: SendOptions,
    deadline: number,
    done: SendCallback,
  ): void {
    const bytes = prepared.body.length;
    if (this.gate.tryEnter(bytes)) {
      this.launch(prepared, pick, options, deadline, done);
      return;
    }
    this.gate.enter(
      bytes,
      deadline - performance.now(),
      () => this.noSlot(prepared),
      (error) => {
        if (error === null) this.launch(prepared, pick, options, deadline, done);
        else done(error);
      },
    );
  }

  private launch(
    prepared: PreparedMessage,
    pick: QueuePicker,
    options: SendOptions,
    deadline: number,
    done: SendCallback,
  ): void {
    const bytes = prepared.body.length;
    const { signal } = options;
    let onAbort: (() => void) | undefined;
    const operation: SendOperation = new SendOperation(
      this,
      prepared,
      pick,
      1 + this.options.retryTimes,
      deadline,
      options.timeoutMs ?? this.options.sendTimeoutMs,
      (error, result) => {
        this.operations.delete(operation);
        if (onAbort !== undefined) signal!.removeEventListener('abort', onAbort);
        this.gate.leave(bytes);
        if (error !== null) done(error);
        else this.judge(result!, options.acceptStatuses ?? ACCEPT_SEND_OK, done);
      },
    );
    this.operations.add(operation);
    if (signal !== undefined) {
      onAbort = () => operation.cancel(signal.reason as Error);
      if (signal.aborted) {
        onAbort();
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
    }
    operation.start();
  }

  /** A message that is stored, but not as durably as the broker is configured for, is a success only if the caller says so. */
  private judge(result: SendResult, accepted: readonly SendStatus[], done: SendCallback): void {
    if (accepted.includes(result.status)) {
      done(null, result);
      return;
    }
    done(
      new SendError(
        `Broker ${result.queue.brokerName} stored a message to topic ${result.queue.topic} with ${result.status}: it may be lost if the broker fails now. Sending it again may duplicate it; list the status in acceptStatuses if that is good enough.`,
        { sendStatus: result.status, context: { topic: result.queue.topic, result } },
      ),
    );
  }

  private noSlot(prepared: PreparedMessage): TimeoutError {
    const { maxInFlightSends, maxInFlightBytes } = this.options;
    return new TimeoutError(
      `Send to topic ${prepared.topic} found no free slot in time: ${this.gate.inFlight} sends (limit ${this.gate.currentLimit} of ${maxInFlightSends}) with ${this.gate.inFlightBytes} bytes (limit ${maxInFlightBytes}) wait for brokers. Send more slowly (await earlier sends), or raise maxInFlightSends, maxInFlightBytes or timeoutMs.`,
      { context: { topic: prepared.topic, inFlight: this.gate.inFlight, maxInFlightSends, maxInFlightBytes } },
    );
  }
}
