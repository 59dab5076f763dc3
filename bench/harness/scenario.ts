/** One of those that are compared. */
export interface Peer {
  /** As `--peers` takes it. */
  readonly name: string;
  /** As tables show it: with its version. */
  readonly title: string;
  /** What matters for a fair comparison, in one line: durability, heap, processes. */
  readonly settings: string;
  /** What this machine lacks to run it, and how to get that; null when it can run. */
  missing(): string | null;
  /** What must be fetched or compiled before the first run; called once for all peers that share the function. */
  readonly prepare?: () => void | Promise<void>;
}

/** What ours is meant to reach: a share of the reference's median, or a value of its own. */
export type Goal = { readonly ratio: number } | { readonly value: number };

/** One number that a run gives. */
export interface Figure {
  readonly label: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** Digits after the point when it is shown. */
  readonly digits: number;
  readonly goal?: Goal;
}

export type FigureTable = Readonly<Record<string, Figure>>;
/** By the keys of the scenario's figure table. */
export type Figures = Readonly<Record<string, number>>;

/** What a run is told besides its peer. */
export interface Run {
  /** A smoke run: shows that the scenario works; its numbers mean nothing. */
  readonly quick: boolean;
  readonly warmupSeconds: number;
  /** Of the measurement. */
  readonly seconds: number;
  /** Shows what is going on. */
  step(what: string): void;
}

/** A row of the table of scenarios. */
export interface Scenario<P extends Peer = Peer> {
  readonly name: string;
  readonly title: string;
  /** What is done, so that a reader could do it again: clients, threads, sizes. */
  readonly load: string;
  /** What every run checks before its figures count. */
  readonly check: string;
  /** The references, and ours last: ratios are ours / each of the others. */
  readonly peers: readonly P[];
  /** In the order of the table; the first is the headline. */
  readonly figures: FigureTable;
  /** Takes many minutes or much disk: runs only when it is named. */
  readonly long?: boolean;
  /**
   * Starts the peer fresh, loads it, checks it, stops it.
   * @throws {Error} when something is lost, doubled or fails: such a run has no figures
   */
  run(peer: P, run: Run): Promise<Figures>;
}

/** The peer whose figures are divided by the others'. */
export function oursOf<P extends Peer>(scenario: Scenario<P>): P {
  return scenario.peers.at(-1)!;
}

/** `full`, or what a smoke run takes in its place. */
export function sized(run: Run, full: number, quick: number): number {
  return run.quick ? quick : full;
}
