// Runs of indices that came before. Most of a head repeats the one before it: as long as the table
// stays as it is, the same octets are the same fields, and its reader can take them in one piece.

/** Runs that are remembered, and how many octets they have. */
const MAX_RUNS = 4;
const MIN_OCTETS = 4;
const MAX_OCTETS = 48;

/** A run; `R` is whatever its reader made of it. */
export interface IndexRun<R> {
  readonly octets: Uint8Array;
  length: number;
  /** The state of the table that the octets were read with. */
  generation: number;
  /** Octets of the names and values, and fields. */
  fieldOctets: number;
  fields: number;
  /** null until the run came a second time: most of them never do. */
  reading: R | null;
}

/** Remembers runs, the oldest replaced first. */
export class IndexRuns<R> {
  readonly #runs: IndexRun<R>[] = [];
  #next = 0;

  /** The run that `buffer[at, end)` begins with; null when there is none. */
  find(buffer: Buffer, at: number, end: number, generation: number): IndexRun<R> | null {
    for (const run of this.#runs) {
      if (run.generation !== generation || run.length > end - at) continue;
      if (isAt(run, buffer, at)) return run;
    }
    return null;
  }

  /** Remembers a run of indices; it is worth it only if it is neither short nor long. */
  remember(buffer: Buffer, start: number, end: number, generation: number): void {
    const length = end - start;
    if (length < MIN_OCTETS || length > MAX_OCTETS) return;
    const run = this.#slot();
    for (let at = 0; at < length; at += 1) run.octets[at] = buffer[start + at]!;
    run.length = length;
    run.generation = generation;
    run.reading = null;
  }

  #slot(): IndexRun<R> {
    const runs = this.#runs;
    const index = this.#next;
    this.#next = (index + 1) % MAX_RUNS;
    const known = runs[index];
    if (known !== undefined) return known;
    const run = {
      octets: new Uint8Array(MAX_OCTETS),
      length: 0,
      generation: 0,
      fieldOctets: 0,
      fields: 0,
      reading: null,
    };
    runs.push(run);
    return run;
  }
}

function isAt(run: IndexRun<unknown>, buffer: Buffer, start: number): boolean {
  const { octets, length } = run;
  for (let at = 0; at < length; at += 1) if (octets[at] !== buffer[start + at]) return false;
  return true;
}
