/**
 * How long a broker is avoided after an answer took `latencyMs` or longer; a failure counts as 10 s.
 * Java: MQFaultStrategy.latencyMax and notAvailableDuration.
 */
const AVOIDANCE: readonly { readonly latencyMs: number; readonly avoidMs: number }[] = [
  { latencyMs: 15_000, avoidMs: 30_000 },
  { latencyMs: 5_000, avoidMs: 10_000 },
  { latencyMs: 3_000, avoidMs: 6_000 },
  { latencyMs: 1_800, avoidMs: 5_000 },
  { latencyMs: 550, avoidMs: 2_000 },
  { latencyMs: 100, avoidMs: 0 },
];

/** Latency a failed attempt is booked with, in ms. */
const FAILURE_LATENCY_MS = 10_000;

interface Fault {
  availableAt: number;
  reachable: boolean;
}

/** Remembers which brokers answered slowly or not at all. Java: LatencyFaultToleranceImpl. */
export class FaultLatency {
  private readonly faults = new Map<string, Fault>();

  /** @param now clock in ms, injected for tests */
  constructor(private readonly now: () => number = Date.now) {}

  /** Books an answer that took `latencyMs`. */
  succeeded(brokerName: string, latencyMs: number): void {
    const avoidMs = avoidanceOf(latencyMs);
    // The usual case, a prompt answer of a broker nobody has complained about, leaves no trace.
    if (avoidMs === 0 && !this.faults.has(brokerName)) return;
    this.update(brokerName, avoidMs, true);
  }

  /** Books an attempt that got no usable answer. `reachable`: the broker did answer, with an error. */
  failed(brokerName: string, reachable: boolean): void {
    this.update(brokerName, avoidanceOf(FAILURE_LATENCY_MS), reachable);
  }

  /** Not to be avoided now. */
  isAvailable(brokerName: string): boolean {
    const fault = this.faults.get(brokerName);
    return fault === undefined || this.now() >= fault.availableAt;
  }

  /** Answered the last time, even if slowly. */
  isReachable(brokerName: string): boolean {
    return this.faults.get(brokerName)?.reachable ?? true;
  }

  /** Brokers that did not answer the last time. */
  unreachable(): string[] {
    return [...this.faults].filter(([, { reachable }]) => !reachable).map(([name]) => name);
  }

  /** A broker that was unreachable answers again. It is still avoided as long as its failure is booked for. */
  answersAgain(brokerName: string): void {
    const fault = this.faults.get(brokerName);
    if (fault !== undefined) fault.reachable = true;
  }

  /** No route names the broker any more. */
  forget(brokerName: string): void {
    this.faults.delete(brokerName);
  }

  private update(brokerName: string, avoidMs: number, reachable: boolean): void {
    const until = avoidMs === 0 ? 0 : this.now() + avoidMs;
    const fault = this.faults.get(brokerName);
    if (fault === undefined) this.faults.set(brokerName, { availableAt: until, reachable });
    else {
      // A later prompt answer does not shorten an avoidance, as in Java.
      fault.availableAt = Math.max(fault.availableAt, until);
      fault.reachable = reachable;
    }
  }
}

function avoidanceOf(latencyMs: number): number {
  return AVOIDANCE.find((row) => latencyMs >= row.latencyMs)?.avoidMs ?? 0;
}
