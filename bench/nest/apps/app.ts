/** What a peer's file in this directory exports. It runs in the process of a handler or of a producer, never in both. */
export interface PeerApp {
  /** A Nest application (or a bare client) whose handler gives each event to `sink`. Resolves when it is subscribed. */
  handle(settings: Settings, sink: Sink): Promise<Closeable>;
  /** What emits events, connected. */
  produce(settings: Settings): Promise<Emitter>;
}

/** How the peer's server is reached, and what of it varies; made by `servers/`. */
export type Settings = Readonly<Record<string, string | number>>;

export interface BenchEvent {
  /** 0, 1, 2, … over the whole life of a server. */
  readonly id: number;
  /** Of `now()`, when it was emitted. */
  readonly at: number;
  /** Fills the body. */
  readonly text: string;
}

export type Sink = (event: BenchEvent) => void;

export interface Closeable {
  close(): Promise<unknown>;
}

export interface Emitter extends Closeable {
  /** Resolves when the server has acknowledged the event, where the peer's API can tell. */
  emit(event: BenchEvent): Promise<unknown>;
}

/** Milliseconds of the clock that all processes of a machine share: CLOCK_MONOTONIC. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** What is between the bodies of two sizes: `{"id":123456,"at":12345678.123456,"text":""}`. */
const ENVELOPE_BYTES = 46;

/** The text that makes an event about `bytes` long as JSON. */
export const textOf = (bytes: number): string =>
  'rocketnest'.repeat(bytes / 10 + 1).slice(0, Math.max(0, bytes - ENVELOPE_BYTES));

/** A number for an event, to be summed up: what differs in which events it holds, differs in the sum. */
export const mixed = (id: number): number => Math.imul(id + 1, 0x9e3779b1) >>> 0;

/** Of sorted values; NaN of none. */
export const percentile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
