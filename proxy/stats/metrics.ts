// The cells that the data path counts in: plain objects with a number, found once at configuration
// time. Summing over workers, naming and printing happen elsewhere, when somebody asks.

/** Only grows. */
export class Counter {
  readonly name: string;
  value = 0;

  constructor(name: string) {
    this.name = name;
  }

  inc(): void {
    this.value += 1;
  }

  add(amount: number): void {
    this.value += amount;
  }
}

/** Goes up and down. What the sum over workers is, `stats/merge.ts` says. */
export class Gauge {
  readonly name: string;
  value = 0;
  /** True once anything was written, be it 0: `usedonly` shows it. */
  isUsed = false;

  constructor(name: string) {
    this.name = name;
  }

  inc(): void {
    this.value += 1;
    this.isUsed = true;
  }

  dec(): void {
    this.value -= 1;
    this.isUsed = true;
  }

  add(amount: number): void {
    this.value += amount;
    this.isUsed = true;
  }

  sub(amount: number): void {
    this.value -= amount;
    this.isUsed = true;
  }

  set(value: number): void {
    this.value = value;
    this.isUsed = true;
  }
}

/** A gauge of 64 bits, such as the hash of a version: a double would round it. */
export interface WideGauge {
  /** In decimal digits. */
  set(digits: string): void;
}

/** A distribution of non-negative numbers in log-linear buckets. */
export interface Histogram {
  readonly name: string;
  record(value: number): void;
}

/** Unit of a histogram, as Envoy declares it. */
export type HistogramUnit = 'ms' | 'us' | 'bytes' | 'percent' | 'unspecified';

/** A text among the statistics, such as a version. */
export interface TextReadout {
  set(text: string): void;
}

/** Names below a scope that belong together: most clusters of a large mesh never count in theirs. */
export interface CellShape {
  readonly counters: readonly string[];
  readonly gauges: readonly string[];
  readonly histograms: readonly (readonly [name: string, unit: HistogramUnit])[];
}

/** Cells of a shape that are shown with 0 and not made yet. */
export interface DeclaredCells {
  /** Makes all of them; harmless when they are made. */
  make(): void;
}

/** Makes cells under a prefix; asking twice for a name gives the same cell. */
export interface StatsScope {
  /** Dotted prefix with its final dot; '' for the root. */
  readonly prefix: string;
  /** '' for one with the same prefix, to be released on its own. */
  scope(name: string): StatsScope;
  counter(name: string): Counter;
  gauge(name: string): Gauge;
  wideGauge(name: string): WideGauge;
  histogram(name: string, unit: HistogramUnit): Histogram;
  textReadout(name: string): TextReadout;
  /**
   * Has the cells of a shape shown as if they were made. Those that somebody else has made already
   * are made here, too, so that they outlive him.
   */
  declare(shape: CellShape): DeclaredCells;
  /**
   * Gives up every cell made through this scope and the scopes made from it (a cluster or listener
   * was removed). A cell that another scope holds as well stays.
   */
  release(): void;
}
