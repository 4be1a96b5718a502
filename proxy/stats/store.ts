// All statistics of one worker (or of the primary): cells by full name, held by the scopes that
// made them. Nothing here runs on the data path, which only touches the cells.
import { LogLinearHistogram } from './histogram.ts';
import {
  type CellShape,
  Counter,
  type DeclaredCells,
  Gauge,
  type HistogramUnit,
  type StatsScope,
  type TextReadout,
  type WideGauge,
} from './metrics.ts';
import { type HistogramSnapshot, type StatsSnapshot, withUntouched } from './snapshot.ts';

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

/** See WideGauge. */
class WideCell implements WideGauge {
  readonly name: string;
  digits = '0';

  constructor(name: string) {
    this.name = name;
  }

  set(digits: string): void {
    this.digits = digits;
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

/** Cells of a shape below one prefix that nobody has counted in yet. */
class Declaration implements DeclaredCells {
  readonly #scope: Scope;
  readonly #shape: CellShape;
  /** How often each prefix was declared with that shape. */
  readonly #prefixes: Map<string, number>;
  #isListed = true;

  constructor(scope: Scope, shape: CellShape, prefixes: Map<string, number>) {
    this.#scope = scope;
    this.#shape = shape;
    this.#prefixes = prefixes;
    prefixes.set(scope.prefix, (prefixes.get(scope.prefix) ?? 0) + 1);
  }

  make(): void {
    if (!this.#isListed) return;
    this.#scope.end(this);
    this.drop();
    makeAll(this.#scope, this.#shape);
  }

  drop(): void {
    if (!this.#isListed) return;
    this.#isListed = false;
    const { prefix } = this.#scope;
    const left = (this.#prefixes.get(prefix) ?? 1) - 1;
    if (left > 0) this.#prefixes.set(prefix, left);
    else this.#prefixes.delete(prefix);
  }
}

const MADE: DeclaredCells = { make: () => undefined };

function makeAll(scope: Scope, { counters, gauges, histograms }: CellShape): void {
  for (const name of counters) scope.counter(name);
  for (const name of gauges) scope.gauge(name);
  for (const [name, unit] of histograms) scope.histogram(name, unit);
}

/** What all scopes of a store share. */
class CellLists {
  readonly accepts: NameFilter;
  readonly counters = new Map<string, Held<Counter>>();
  readonly gauges = new Map<string, Held<Gauge>>();
  readonly wideGauges = new Map<string, Held<WideCell>>();
  readonly histograms = new Map<string, Held<LogLinearHistogram>>();
  /** Those whose interval has something to end: of ten thousand few. */
  readonly awake = new Set<LogLinearHistogram>();
  readonly texts = new Map<string, Held<TextCell>>();
  /** Prefixes of cells that are not made, and how often each was declared. */
  readonly declared = new Map<CellShape, Map<string, number>>();

  constructor(accepts: NameFilter) {
    this.accepts = accepts;
  }
}

/** A scope below the root: remembers what it holds, so that releasing it gives up just that. */
class Scope implements StatsScope {
  readonly prefix: string;
  readonly #lists: CellLists;
  readonly #parent: Scope | null;
  /**
   * Those below it that hold something, or have such below them; null: there are none, as in most
   * scopes of a large mesh. A scope that was only passed through is nobody's: it goes with its user.
   */
  #children: Set<Scope> | null = null;
  #held: Set<{ drop(): void }> | null = null;
  #isReleased = false;

  constructor(lists: CellLists, prefix: string, parent: Scope | null) {
    this.#lists = lists;
    this.prefix = prefix;
    this.#parent = parent;
  }

  scope(name: string): StatsScope {
    const prefix = name === '' ? this.prefix : `${this.prefix}${scopeName(name)}.`;
    return new Scope(this.#lists, prefix, this);
  }

  counter(name: string): Counter {
    return this.#hold(this.#lists.counters, new Counter(this.prefix + name));
  }

  gauge(name: string): Gauge {
    return this.#hold(this.#lists.gauges, new Gauge(this.prefix + name));
  }

  wideGauge(name: string): WideGauge {
    return this.#hold(this.#lists.wideGauges, new WideCell(this.prefix + name));
  }

  histogram(name: string, unit: HistogramUnit): LogLinearHistogram {
    const { awake, histograms } = this.#lists;
    return this.#hold(histograms, new LogLinearHistogram(this.prefix + name, unit, awake));
  }

  textReadout(name: string): TextReadout {
    return this.#hold(this.#lists.texts, new TextCell(this.prefix + name));
  }

  declare(shape: CellShape): DeclaredCells {
    const { counters, declared } = this.#lists;
    if (this.#isGone()) return MADE;
    if (counters.has(this.prefix + shape.counters[0])) {
      makeAll(this, shape);
      return MADE;
    }
    const prefixes = declared.get(shape) ?? new Map<string, number>();
    declared.set(shape, prefixes);
    const declaration = new Declaration(this, shape, prefixes);
    this.#keep(declaration);
    return declaration;
  }

  /** A declaration is over. */
  end(declaration: { drop(): void }): void {
    this.#held?.delete(declaration);
    this.#leaveIfEmpty();
  }

  release(): void {
    this.#isReleased = true;
    for (const child of [...(this.#children ?? [])]) child.release();
    for (const held of this.#held ?? []) held.drop();
    this.#held = null;
    this.#parent?.forget(this);
  }

  /** A child was released on its own. */
  forget(child: Scope): void {
    this.#children?.delete(child);
    this.#leaveIfEmpty();
  }

  /** It, or one that it is below, was released. */
  #isGone(): boolean {
    if (this.#isReleased || this.#parent === null) return this.#isReleased;
    return this.#parent.#isGone();
  }

  #adopt(child: Scope): void {
    if (this.#children?.has(child) === true) return;
    this.#children ??= new Set();
    this.#children.add(child);
    if (this.#parent !== null) this.#parent.#adopt(this);
  }

  #keep(held: { drop(): void }): void {
    this.#held ??= new Set();
    this.#held.add(held);
    if (this.#parent !== null) this.#parent.#adopt(this);
  }

  #leaveIfEmpty(): void {
    if ((this.#children?.size ?? 0) + (this.#held?.size ?? 0) > 0) return;
    this.#parent?.forget(this);
  }

  /**
   * The listed cell of that name, else `fresh` itself. A refused name gets a cell that is listed
   * nowhere; so does a released scope, which late requests of a removed cluster still count in.
   */
  #hold<T extends { readonly name: string }>(list: Map<string, Held<T>>, fresh: T): T {
    let held = list.get(fresh.name);
    if (this.#isGone() || !this.#lists.accepts(fresh.name)) return held?.cell ?? fresh;
    if (held === undefined) {
      held = new Held(fresh, list);
      list.set(fresh.name, held);
    }
    if (this.#held?.has(held) !== true) {
      this.#keep(held);
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

  wideGauge(name: string): WideGauge {
    return this.#root.wideGauge(name);
  }

  histogram(name: string, unit: HistogramUnit): LogLinearHistogram {
    return this.#root.histogram(name, unit);
  }

  textReadout(name: string): TextReadout {
    return this.#root.textReadout(name);
  }

  declare(shape: CellShape): DeclaredCells {
    return this.#root.declare(shape);
  }

  release(): void {
    this.#root.release();
  }

  /**
   * Ends an interval of all histograms, in short steps, as many as have values in it or in the one
   * before: called every stats_flush_interval.
   */
  *flushInterval(): Generator<void, void> {
    const { awake } = this.#lists;
    for (const histogram of [...awake]) {
      if (!histogram.flush()) awake.delete(histogram);
      yield;
    }
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
    return withUntouched(this.compactSnapshot(), this.#lists.accepts);
  }

  /** The same where cells that nobody counts in cost next to nothing. */
  compactSnapshot(): StatsSnapshot {
    const lists = this.#lists;
    const counters: Record<string, number> = {};
    const gauges: Record<string, number> = {};
    const wideGauges: Record<string, string> = {};
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
    for (const [name, { cell }] of lists.wideGauges) wideGauges[name] = cell.digits;
    for (const [name, { cell }] of lists.texts) textReadouts[name] = cell.value;
    for (const [name, { cell }] of lists.histograms) histograms[name] = cell.snapshot();
    const untouched = [...lists.declared].map(([shape, prefixes]) => {
      return { shape, prefixes: [...prefixes.keys()] };
    });
    return { counters, gauges, wideGauges, textReadouts, histograms, usedZeroes, untouched };
  }
}

/** Envoy Stats::Utility::sanitizeStatsName: what a name may not hold becomes `_`. */
function scopeName(name: string): string {
  const bare = name.endsWith('.') ? name.slice(0, -1) : name;
  return bare.replace(/:\/\/|:\/|:|\0/g, '_');
}
