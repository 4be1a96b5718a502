// Counters that every worker counts alike, such as how often the hosts of a cluster changed: the
// largest of all workers counts. A worker that takes another one's place has missed what went before;
// it is made up for, so that such a counter neither steps back nor stands still.
import { mergeRule } from './merge.ts';
import { EMPTY_SNAPSHOT, type StatsSnapshot } from './snapshot.ts';

type Counts = Readonly<Record<string, number>>;

/** What is known of one worker. */
interface Known {
  /** What it missed, by name; null: it was there from the start, or what it missed is not known yet. */
  missed: Counts | null;
  /** It took another one's place, and has begun to count like the others. */
  isLate: boolean;
}

/** One per process; `W` is what a worker is known by. */
export class AlikeCounts<W extends object> {
  readonly #known = new WeakMap<W, Known>();
  /** The largest values of those that ended. */
  #left: Counts = {};

  /** It took another one's place, and has been told all that there is. */
  onLate(worker: W): void {
    this.#of(worker).isLate = true;
  }

  /** It ended: what it counted is not to be lost. */
  retire(worker: W, last: StatsSnapshot): void {
    this.#left = largest([this.#left, this.#made(worker, alike(last.counters))]);
  }

  /** What is to be merged with what workers say now, by the rules for workers. */
  makeUp(answers: readonly (readonly [worker: W, snapshot: StatsSnapshot])[]): StatsSnapshot {
    if (!this.#isNeeded(answers)) return EMPTY_SNAPSHOT;
    const own = answers.map(([worker, { counters }]) => [worker, alike(counters)] as const);
    const names = new Set(own.flatMap(([, counts]) => Object.keys(counts)));
    // What no worker has any more is gone with the cluster that it was about.
    if (answers.length > 0) this.#left = filter(this.#left, (name) => names.has(name));
    const isSettled = ([worker]: readonly [W, Counts]) => !this.#awaits(worker);
    const settled = own.filter(isSettled).map(([worker, counts]) => this.#made(worker, counts));
    const reached = largest([this.#left, ...settled]);
    for (const [worker, counts] of own) {
      if (this.#awaits(worker)) this.#of(worker).missed = difference(reached, counts);
    }
    return { ...EMPTY_SNAPSHOT, counters: reached };
  }

  /** All counters are 0 again. */
  reset(workers: Iterable<W>): void {
    this.#left = {};
    for (const worker of workers) {
      const known = this.#known.get(worker);
      if (known !== undefined) known.missed = {};
    }
  }

  /** Where nobody ever took a place there is nothing to make up for. */
  #isNeeded(answers: readonly (readonly [W, StatsSnapshot])[]): boolean {
    return (
      Object.keys(this.#left).length > 0 || answers.some(([worker]) => this.#known.has(worker))
    );
  }

  #awaits(worker: W): boolean {
    const known = this.#known.get(worker);
    return known?.isLate === true && known.missed === null;
  }

  #of(worker: W): Known {
    let known = this.#known.get(worker);
    if (known === undefined) {
      known = { missed: null, isLate: false };
      this.#known.set(worker, known);
    }
    return known;
  }

  /** With what it missed. */
  #made(worker: W, counts: Counts): Counts {
    const missed = this.#known.get(worker)?.missed ?? {};
    const made: Record<string, number> = {};
    for (const [name, count] of Object.entries(counts)) made[name] = count + (missed[name] ?? 0);
    return made;
  }
}

function alike(counters: Counts): Counts {
  return filter(counters, (name) => mergeRule(name) === 'max');
}

function filter(counts: Counts, isWanted: (name: string) => boolean): Counts {
  return Object.fromEntries(Object.entries(counts).filter(([name]) => isWanted(name)));
}

function largest(all: readonly Counts[]): Counts {
  const result: Record<string, number> = {};
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) {
      result[name] = Math.max(result[name] ?? 0, count);
    }
  }
  return result;
}

function difference(reached: Counts, counts: Counts): Counts {
  const missing: Record<string, number> = {};
  for (const [name, count] of Object.entries(counts)) {
    const missed = (reached[name] ?? 0) - count;
    if (missed > 0) missing[name] = missed;
  }
  return missing;
}
