// What cells somebody makes, found by having him make them once.
import { LogLinearHistogram } from './histogram.ts';
import {
  type CellShape,
  Counter,
  type DeclaredCells,
  Gauge,
  type HistogramUnit,
  type StatsScope,
} from './metrics.ts';

/** The names of all counters, gauges and histograms that `make` makes in its scope. */
export function shapeOf(make: (scope: StatsScope) => void): CellShape {
  const names = new ShapeNames();
  make(new RecordingScope('', names));
  return {
    counters: [...names.counters],
    gauges: [...names.gauges],
    histograms: [...names.histograms],
  };
}

class ShapeNames {
  readonly counters = new Set<string>();
  readonly gauges = new Set<string>();
  readonly histograms = new Map<string, HistogramUnit>();
}

/** Makes cells that nobody sees. */
class RecordingScope implements StatsScope {
  readonly prefix: string;
  readonly #names: ShapeNames;

  constructor(prefix: string, names: ShapeNames) {
    this.prefix = prefix;
    this.#names = names;
  }

  scope(name: string): StatsScope {
    return new RecordingScope(name === '' ? this.prefix : `${this.prefix}${name}.`, this.#names);
  }

  counter(name: string): Counter {
    this.#names.counters.add(this.prefix + name);
    return new Counter(this.prefix + name);
  }

  gauge(name: string): Gauge {
    this.#names.gauges.add(this.prefix + name);
    return new Gauge(this.prefix + name);
  }

  histogram(name: string, unit: HistogramUnit): LogLinearHistogram {
    this.#names.histograms.set(this.prefix + name, unit);
    return new LogLinearHistogram(this.prefix + name, unit);
  }

  /** Neither they nor texts are the same for many: no shape has any. */
  wideGauge(): { set(digits: string): void } {
    return { set: () => undefined };
  }

  textReadout(): { set(text: string): void } {
    return { set: () => undefined };
  }

  declare(): DeclaredCells {
    return { make: () => undefined };
  }

  release(): void {}
}
