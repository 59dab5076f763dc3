import { ClosedError, ResponseCode, ResponseError, SendError, TimeoutError } from '@rocketnest/protocol';
import { Chain } from '../chain.js';
import type { ClientInstance } from '../instance.js';
import { BodyCompressor } from './body-compressor.js';
import { FaultLatency } from './fault-latency.js';
import { InFlightGate } from './in-flight-gate.js';
import type { PreparedMessage } from './outgoing-message.js';
import type { ProducerOptions } from './producer-options.js';
import { SendHooks } from './send-hook.js';
import { type QueuePicker, type SendEnvironment, SendOperation } from './send-operation.js';
import type { SendOptions } from './send-options.js';
import type { SendCallback, SendResult, SendStatus } from './send-result.js';

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
  private readonly operations = new Chain<SendOperation>();
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

  onEnd(operation: SendOperation, error: Error | null, result: SendResult | undefined): void {
    this.operations.delete(operation);
    this.gate.leave(operation.message.body.length);
    if (error !== null) operation.done(error);
    else this.judge(result!, operation.options.acceptStatuses ?? ACCEPT_SEND_OK, operation.done);
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
    for (const operation of this.operations.toArray()) operation.cancel(error);
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
    const { signal } = options;
    if (signal !== undefined) {
      this.launchAbortable(signal, prepared, pick, options, deadline, done);
      return;
    }
    const operation = new SendOperation(this, prepared, pick, options, deadline, done);
    this.operations.add(operation);
    operation.start();
  }

  private launchAbortable(
    signal: AbortSignal,
    prepared: PreparedMessage,
    pick: QueuePicker,
    options: SendOptions,
    deadline: number,
    done: SendCallback,
  ): void {
    const onAbort = (): void => operation.cancel(signal.reason as Error);
    const operation = new SendOperation(this, prepared, pick, options, deadline, (error, result) => {
      signal.removeEventListener('abort', onAbort);
      done(error, result);
    });
    this.operations.add(operation);
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
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
