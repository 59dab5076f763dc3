import { Requests, ResponseError } from '@rocketnest/protocol';
import type { ClientInstance } from '../instance.js';
import type { FaultLatency } from './fault-latency.js';
import type { ProducerOptions } from './producer-options.js';
import type { QueuePickers } from './queue-pickers.js';

/** Asks brokers that did not answer whether they do again. Java: LatencyFaultToleranceImpl.detectByOneRound. */
export class FaultDetector {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly instance: ClientInstance,
    private readonly options: Pick<ProducerOptions, 'detectIntervalMs' | 'detectTimeoutMs'>,
    private readonly faults: FaultLatency,
    private readonly pickers: Pick<QueuePickers, 'topics'>,
  ) {}

  start(): void {
    this.timer ??= setInterval(() => void this.round(), this.options.detectIntervalMs);
  }

  close(): void {
    clearInterval(this.timer);
  }

  /** Asks every unreachable broker once. */
  async round(): Promise<void> {
    const [topic] = this.pickers.topics();
    if (topic === undefined) return;
    await Promise.all(this.faults.unreachable().map((brokerName) => this.ask(brokerName, topic)));
  }

  private async ask(brokerName: string, topic: string): Promise<void> {
    const broker = this.instance.findBrokerAddress(brokerName, { onlyMaster: true });
    if (broker === undefined) {
      this.faults.forget(brokerName);
      return;
    }
    const { detectTimeoutMs: timeoutMs } = this.options;
    try {
      await this.instance.api.call(broker.address, Requests.getMaxOffset, { topic, queueId: 0 }, { timeoutMs });
    } catch (error) {
      // An answer is an answer, also one that says that the broker does not have this topic.
      if (!(error instanceof ResponseError)) return;
    }
    this.faults.answersAgain(brokerName);
    this.instance.logger.info(`broker ${brokerName} is reachable again`, { address: broker.address });
  }
}
