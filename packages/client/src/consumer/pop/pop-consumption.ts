import { type MessageExt, PopTopicKind, parsePopReceipt } from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import type { MessageQueue } from '../../message-queue.js';
import { type Batch, batchOf, Consumption } from '../consumption.js';
import type { HandlerCall, Settled } from '../handler-call.js';
import { type ConsumeOutcome, outcomeFor } from '../outcome.js';
import type { SendBack } from '../send-back.js';
import type { PopLink } from './pop-link.js';
import type { PopLane } from './pop-queue.js';
import type { Popped } from './popped.js';

/** Looks at running handlers in the course of one invisible time. */
const LOOKS_PER_INVISIBLE_TIME = 4;

export interface PopConsumptionOptions {
  readonly group: string;
  readonly concurrency: number;
  readonly batchSize: number;
  readonly invisibleMs: number;
  readonly consumeTimeoutMs: number;
  /** Deliveries after the first one before a message is given up. */
  readonly maxReconsumeTimes: number;
  readonly calls: HandlerCall;
  readonly link: PopLink;
  readonly sendBack: SendBack;
  readonly logger: Logger;
}

/** One handler call. */
export interface PopBatch extends Batch<PopLane> {
  readonly popped: readonly Popped[];
  readonly startedAt: number;
  /** It has run for longer than the consume timeout: its messages come again. */
  expired: boolean;
}

/**
 * Gives popped messages to handlers and tells brokers what came of them, each by its receipt. While a handler runs the time of its
 * messages is extended, so a handler may take as long as with queues that are pulled: consumeTimeoutMs. (The Java client lets the
 * time run out; what such a handler returns is lost and the message comes again.)
 */
export abstract class PopConsumption extends Consumption<PopLane> {
  private readonly extending: NodeJS.Timeout;
  private readonly lanes = new Set<PopLane>();
  /** Acknowledgements without an answer. */
  private unanswered = 0;
  private allAnswered: (() => void) | null = null;

  constructor(protected readonly options: PopConsumptionOptions) {
    super(options.concurrency);
    this.extending = setInterval(() => this.extendRunning(), options.invisibleMs / LOOKS_PER_INVISIBLE_TIME);
  }

  /** Says to brokers what the handler made of the batch, then {@link finished}. */
  protected abstract settle(batch: PopBatch, outcome: Settled): void;
  /** Messages whose time runs while the batch is handled. */
  protected abstract heldBy(batch: PopBatch): readonly Popped[];

  override submit(lane: PopLane): void {
    this.lanes.add(lane);
    super.submit(lane);
  }

  /** Messages that no handler has got go back: others have them at once. Resolves when brokers know. */
  async giveBackWaiting(of: (lane: PopLane) => boolean = () => true): Promise<void> {
    const lanes = [...this.lanes].filter(of);
    await Promise.all(lanes.map((lane) => this.giveBack(lane)));
  }

  /** Resolves when, besides, brokers have answered what they were told (or have not in time). */
  override async stop(timeoutMs: number): Promise<Batch<PopLane>[]> {
    const [running] = await Promise.all([super.stop(timeoutMs), this.giveBackWaiting()]);
    clearInterval(this.extending);
    if (this.unanswered > 0) {
      await new Promise<void>((resolve) => {
        this.allAnswered = resolve;
      });
    }
    return running;
  }

  protected override next(lane: PopLane): PopBatch | undefined {
    const now = Date.now();
    for (;;) {
      const popped = lane.take(this.options.batchSize);
      if (!lane.hasUntaken) this.lanes.delete(lane);
      if (popped.length === 0) return undefined;
      const alive = popped.filter(({ expiresAt }) => expiresAt > now);
      if (alive.length < popped.length) this.expiredUnhandled(lane, popped.length - alive.length);
      if (alive.length === 0) continue;
      const batch = batchOf(
        lane,
        alive.map(({ message }) => message),
      );
      return { ...batch, popped: alive, startedAt: now, expired: false };
    }
  }

  protected override run(batch: Batch<PopLane>): void {
    const popBatch = batch as PopBatch;
    this.options.calls.invoke(batch.messages, queueOf(popBatch), (outcome) => this.settle(popBatch, outcome));
  }

  /** Acknowledges the messages; what came too late comes again. */
  protected acknowledge(lane: PopLane, popped: readonly Popped[]): void {
    lane.owner.settled(popped.length);
    this.unanswered += popped.length;
    for (const each of popped) {
      if (each.extending === undefined) this.acknowledgeOne(each);
      else void each.extending.then(() => this.acknowledgeOne(each));
    }
  }

  /** Messages that no handler is to get. */
  skip(lane: PopLane): void {
    this.acknowledge(lane, lane.take(Number.MAX_SAFE_INTEGER));
  }

  private acknowledgeOne(popped: Popped): void {
    if (popped.expiresAt <= Date.now()) {
      this.note('warn', 'messages were consumed too late, they come again; popInvisibleTimeMs may be longer', [popped]);
      this.answered();
      return;
    }
    this.options.link.acknowledge(popped, (error) => {
      if (error !== null) this.note('warn', 'messages could not be acknowledged, they come again', [popped], error);
      this.answered();
    });
  }

  private answered(): void {
    if (--this.unanswered === 0) this.allAnswered?.();
  }

  /** Has the messages come again after a while. Never rejects: what brokers are not told comes when its time is over. */
  protected async comeAgain(
    lane: PopLane,
    popped: readonly Popped[],
    delayMs: (message: MessageExt) => number,
  ): Promise<void> {
    await Promise.all(popped.map((each) => this.changeVisibility(each, delayMs(each.message), false)));
    lane.owner.settled(popped.length);
  }

  /** Messages that no handler has got go to whoever wants them. */
  async giveBack(lane: PopLane, popped: readonly Popped[] = lane.take(Number.MAX_SAFE_INTEGER)): Promise<void> {
    this.lanes.delete(lane);
    await Promise.all(popped.map((each) => this.changeVisibility(each, 0, true)));
    lane.owner.settled(popped.length);
  }

  /**
   * Moves messages to %DLQ%group. (The Java client acknowledges them: they are gone.)
   * @returns those that could not be stored there, and are not settled
   */
  protected async giveUp(lane: PopLane, popped: readonly Popped[], outcome: ConsumeOutcome): Promise<Popped[]> {
    const stored = await Promise.all(
      popped.map((each) => {
        const wanted = outcomeFor(outcome, each.message);
        return this.deadLetter(each, wanted.action === 'dead-letter' ? wanted.reason : undefined);
      }),
    );
    this.acknowledge(
      lane,
      popped.filter((_, i) => stored[i]),
    );
    return popped.filter((_, i) => !stored[i]);
  }

  private deadLetter(
    { brokerName, message, poppedTopic, queueId, receipt }: Popped,
    reason: string | undefined,
  ): Promise<boolean> {
    const { sendBack } = this.options;
    // The broker would keep a message of the group's pop retry topic under that name.
    const retried = parsePopReceipt(receipt).kind !== PopTopicKind.NORMAL;
    return retried
      ? sendBack.giveUpCounted(message, reason)
      : sendBack.giveUp(message, { topic: poppedTopic, brokerName, queueId }, reason);
  }

  private async changeVisibility(popped: Popped, ms: number, untouched: boolean): Promise<void> {
    try {
      await popped.extending;
      // Somebody else may have it by now.
      if (popped.expiresAt <= Date.now()) return;
      await this.options.link.changeInvisibleTime(popped, ms, untouched);
    } catch (error) {
      this.note('warn', 'the time at which messages come again could not be changed', [popped], error);
    }
  }

  private extendRunning(): void {
    const now = Date.now();
    const { consumeTimeoutMs, invisibleMs } = this.options;
    for (const each of this.running) {
      const batch = each as PopBatch;
      if (batch.expired) continue;
      if (now - batch.startedAt > consumeTimeoutMs) {
        batch.expired = true;
        this.note('warn', `handler runs longer than ${consumeTimeoutMs} ms; its messages come again`, batch.popped);
        continue;
      }
      for (const popped of this.heldBy(batch)) {
        if (popped.expiresAt - now <= invisibleMs / 2 && popped.extending === undefined) this.extend(popped);
      }
    }
  }

  private extend(popped: Popped): void {
    popped.extending = this.changeVisibility(popped, this.options.invisibleMs, false).then(() => {
      popped.extending = undefined;
    });
  }

  private expiredUnhandled(lane: PopLane, count: number): void {
    this.options.logger.info('popped messages waited too long for a handler; they come again', {
      group: this.options.group,
      ...lane.owner.queue,
      count,
    });
    lane.owner.settled(count);
  }

  private note(level: 'info' | 'warn', what: string, popped: readonly Popped[], error?: unknown): void {
    const { group, logger } = this.options;
    const msgIds = popped.map(({ message }) => message.msgId);
    const { brokerName, queueId, topic } = popped[0]!;
    logger[level](what, { group, topic, brokerName, queueId, msgIds, ...(error === undefined ? {} : { error }) });
  }
}

/** Where the batch came from: one queue, or -1 when it is of several. */
function queueOf({ popped, queue: { owner } }: PopBatch): MessageQueue {
  const { queueId } = popped[0]!;
  return popped.every((each) => each.queueId === queueId) ? { ...owner.queue, queueId } : owner.queue;
}
