// Runs of field lines that were nothing but indices when they were last written. Most of a head
// repeats the one before: as long as the table stays as it is, lines of the same text are the same
// octets, and one comparison stands for a look-up of each.

const SPAN = 6;
const REMOVED = -1;
/** Runs that are remembered, the fewest lines that are worth it, and the most octets. */
const MAX_RUNS = 4;
const MIN_LINES = 3;
const MAX_OCTETS = 64;

/** A run and what it is in a block. */
interface LineRun {
  /** The lines as they stand in HTTP/1.1. */
  text: string;
  /** Numbers that they take in `spans`. */
  size: number;
  /** Characters of the first line: most runs that do not match differ here. */
  firstLine: number;
  readonly octets: Buffer;
  length: number;
  /** The state of the table that the octets were written for. */
  generation: number;
}

/** The runs of one encoder. Lines are those of a HeaderList: its text, and its spans in numbers. */
export class LineRuns {
  /** What `find` found: `octets[0, length)` stand for the lines up to span `end`. */
  octets: Buffer = Buffer.alloc(0);
  length = 0;
  end = 0;
  readonly #runs: LineRun[] = [];
  #next = 0;
  #text = '';
  #spans: readonly number[] = [];
  /** The run that is being written: its first span, the one behind it, its first octet. */
  #from = 0;
  #to = 0;
  #firstOctet = 0;

  /** Begins with the lines of a list. */
  begin(text: string, spans: readonly number[]): void {
    this.#text = text;
    this.#spans = spans;
    this.#from = 0;
    this.#to = 0;
  }

  /** Whether a run that is known begins at span `at`. */
  find(at: number, generation: number): boolean {
    const spans = this.#spans;
    const firstLine = spans[at + 5]! - spans[at + 1]!;
    for (const run of this.#runs) {
      if (run.firstLine !== firstLine || run.generation !== generation) continue;
      if (!this.#isAt(run, at)) continue;
      this.octets = run.octets;
      this.length = run.length;
      this.end = at + run.size;
      return true;
    }
    return false;
  }

  /** Whether the line at span `at` could join the run that is being written. */
  continues(at: number): boolean {
    const isEmpty = this.#from === this.#to;
    return isEmpty || (at === this.#to && this.#spans[at + 1] === this.#spans[at - 1]);
  }

  /** The line at span `at` became an index, which begins at `octet` of the block. */
  note(at: number, octet: number): void {
    if (this.#from === this.#to) {
      this.#from = at;
      this.#firstOctet = octet;
    }
    this.#to = at + SPAN;
  }

  /** The run that is being written ends before `end` of the block. */
  close(block: Buffer, end: number, generation: number): void {
    const from = this.#from;
    const size = this.#to - from;
    const length = end - this.#firstOctet;
    this.#from = this.#to;
    if (size < MIN_LINES * SPAN || length > MAX_OCTETS) return;
    const spans = this.#spans;
    const run = this.#slot();
    run.text = this.#text.substring(spans[from + 1]!, spans[from + size - 1]!);
    run.size = size;
    run.firstLine = spans[from + 5]! - spans[from + 1]!;
    block.copy(run.octets, 0, this.#firstOctet, end);
    run.length = length;
    run.generation = generation;
  }

  #isAt(run: LineRun, at: number): boolean {
    const spans = this.#spans;
    const end = at + run.size;
    const start = spans[at + 1]!;
    if (end > spans.length || spans[end - 1] !== start + run.text.length) return false;
    // As many lines as the run has, in a text that is the run's: none is missing between them.
    for (let span = at; span < end; span += SPAN) if (spans[span] === REMOVED) return false;
    return this.#text.substring(start, spans[end - 1]!) === run.text;
  }

  #slot(): LineRun {
    const runs = this.#runs;
    const index = this.#next;
    this.#next = (index + 1) % MAX_RUNS;
    const known = runs[index];
    if (known !== undefined) return known;
    const octets = Buffer.allocUnsafe(MAX_OCTETS);
    const run = { text: '', size: 0, firstLine: 0, octets, length: 0, generation: 0 };
    runs.push(run);
    return run;
  }
}
