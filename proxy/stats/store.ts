// All statistics of one worker (or of the primary): cells by full name, held by the scopes that
// made them. Nothing here runs on the data path, which only touches the cells.
import { LogLinearHistogram } from './histogram.ts';
import {
  Counter,
  Gauge,
  type HistogramUnit,
  type StatsScope,
  type TextReadout,
} from './metrics.ts';
import type { HistogramSnapshot, StatsSnapshot } from './snapshot.ts';

/** Says whether a full name is kept: stats_config.stats_matcher, compiled by its owner. */
export type NameFilter = (name: string) => boolean;

/** A text among the statistics. */
class TextCell implements TextReadout {
  readonly name: string;
  value = '';

  constructor(name: string) {
    this.name = name;
  }

  set(text: string): void {
    this.value = text;
  }
}

/** A cell, where it is listed, and how many scopes hold it. */
class Held<T extends { readonly name: string }> {
  readonly cell: T;
  readonly #list: Map<string, Held<T>>;
  #holders = 0;

  constructor(cell: T, list: Map<string, Held<T>>) {
    this.cell = cell;
    this.#list = list;
  }

  hold(): void {
    this.#holders += 1;
  }

  drop(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#list.delete(this.cell.name);
  }
}

/** What all scopes of a store share. */
class CellLists {
  readonly accepts: NameFilter;
  readonly counters = new Map<string, Held<Counter>>();
  readonly gauges = new Map<string, Held<Gauge>>();
  readonly histograms = new Map<string, Held<LogLinearHistogram>>();
  readonly texts = new Map<string, Held<TextCell>>();

  constructor(accepts: NameFilter) {
    this.accepts = accepts;
  }
}

/** A scope below the root: remembers what it holds, so that releasing it gives up just that. */
class Scope implements StatsScope {
  readonly prefix: string;
  readonly #lists: CellLists;
  readonly #parent: Scope | null;
  readonly #children = new Set<Scope>();
  readonly #held = new Set<{ drop(): void }>();
  #isReleased = false;

  constructor(lists: CellLists, prefix: string, parent: Scope | null) {
    this.#lists = lists;
    this.prefix = prefix;
    this.#parent = parent;
  }

  scope(name: string): StatsScope {
    const prefix = name === '' ? this.prefix : `${this.prefix}${scopeName(name)}.`;
    const child = new Scope(this.#lists, prefix, this);
    if (this.#isReleased) child.release();
    else this.#children.add(child);
    return child;
  }

  counter(name: string): Counter {
    return this.#hold(this.#lists.counters, new Counter(this.prefix + name));
  }

  gauge(name: string): Gauge {
    return this.#hold(this.#lists.gauges, new Gauge(this.prefix + name));
  }

  histogram(name: string, unit: HistogramUnit): LogLinearHistogram {
    return this.#hold(this.#lists.histograms, new LogLinearHistogram(this.prefix + name, unit));
  }

  textReadout(name: string): TextReadout {
    return this.#hold(this.#lists.texts, new TextCell(this.prefix + name));
  }

  release(): void {
    this.#isReleased = true;
    for (const child of [...this.#children]) child.release();
    for (const held of this.#held) held.drop();
    this.#held.clear();
    this.#parent?.forget(this);
  }

  /** A child was released on its own. */
  forget(child: Scope): void {
    this.#children.delete(child);
  }

  /**
   * The listed cell of that name, else `fresh` itself. A refused name gets a cell that is listed
   * nowhere; so does a released scope, which late requests of a removed cluster still count in.
   */
  #hold<T extends { readonly name: string }>(list: Map<string, Held<T>>, fresh: T): T {
    let held = list.get(fresh.name);
    if (this.#isReleased || !this.#lists.accepts(fresh.name)) return held?.cell ?? fresh;
    if (held === undefined) {
      held = new Held(fresh, list);
      list.set(fresh.name, held);
    }
    if (!this.#held.has(held)) {
      this.#held.add(held);
      held.hold();
    }
    return held.cell;
  }
}

/** The root of a process's statistics, itself the scope without a prefix. */
export class StatsStore implements StatsScope {
  readonly prefix = '';
  readonly #lists: CellLists;
  readonly #root: Scope;
  /** Counters that were reset after use: 0 now, yet used. */
  readonly #resetNames = new Set<string>();

  /** `accepts` null: every name is kept. */
  constructor(accepts: NameFilter | null) {
    this.#lists = new CellLists(accepts ?? (() => true));
    this.#root = new Scope(this.#lists, '', null);
  }

  scope(name: string): StatsScope {
    return this.#root.scope(name);
  }

  counter(name: string): Counter {
    return this.#root.counter(name);
  }

  gauge(name: string): Gauge {
    return this.#root.gauge(name);
  }

  histogram(name: string, unit: HistogramUnit): LogLinearHistogram {
    return this.#root.histogram(name, unit);
  }

  textReadout(name: string): TextReadout {
    return this.#root.textReadout(name);
  }

  release(): void {
    this.#root.release();
  }

  /** Ends an interval of all histograms: called every stats_flush_interval. */
  flushInterval(): void {
    for (const { cell } of this.#lists.histograms.values()) cell.flush();
  }

  /** Sets every counter to 0; gauges and histograms stay, as in Envoy. */
  resetCounters(): void {
    for (const name of this.#resetNames) {
      if (!this.#lists.counters.has(name)) this.#resetNames.delete(name);
    }
    for (const { cell } of this.#lists.counters.values()) {
      if (cell.value !== 0) this.#resetNames.add(cell.name);
      cell.value = 0;
    }
  }

  /** Every cell as it is now. */
  snapshot(): StatsSnapshot {
    const lists = this.#lists;
    const counters: Record<string, number> = {};
    const gauges: Record<string, number> = {};
    const textReadouts: Record<string, string> = {};
    const histograms: Record<string, HistogramSnapshot> = {};
    const usedZeroes: string[] = [];
    for (const [name, { cell }] of lists.counters) {
      counters[name] = cell.value;
      if (cell.value === 0 && this.#resetNames.has(name)) usedZeroes.push(name);
    }
    for (const [name, { cell }] of lists.gauges) {
      gauges[name] = cell.value;
      if (cell.value === 0 && cell.isUsed) usedZeroes.push(name);
    }
    for (const [name, { cell }] of lists.texts) textReadouts[name] = cell.value;
    for (const [name, { cell }] of lists.histograms) histograms[name] = cell.snapshot();
    return { counters, gauges, textReadouts, histograms, usedZeroes };
  }
}

/** Envoy Stats::Utility::sanitizeStatsName: what a name may not hold becomes `_`. */
function scopeName(name: string): string {
  const bare = name.endsWith('.') ? name.slice(0, -1) : name;
  return bare.replace(/:\/\/|:\/|:|\0/g, '_');
}
