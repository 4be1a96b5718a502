// From offsets and field paths to places a person can find: line and column, both from 1.
import { entryOf, type MapNode, type SourceEntry, type SourceNode } from './source-node.ts';

/** A place in a text; columns count UTF-16 units, as editors do. */
export interface SourcePosition {
  readonly line: number;
  readonly column: number;
}

/** A stretch of a text that a report points at. */
export interface SourceSpan {
  readonly start: number;
  readonly end: number;
}

/** Finds lines in one text; built when the first problem is reported. */
export class LineIndex {
  readonly #text: string;
  readonly #starts: number[] = [0];

  constructor(text: string) {
    this.#text = text;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
      this.#starts.push(at + 1);
    }
  }

  /** Number of lines; an unfinished last line counts. */
  get count(): number {
    return this.#starts.length;
  }

  position(offset: number): SourcePosition {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - this.#starts[low]! + 1 };
  }

  /** The text of a line, counted from 1, without its end. */
  line(number: number): string {
    const start = this.#starts[number - 1];
    if (start === undefined) return '';
    return this.#text.slice(start, this.#starts[number] ?? this.#text.length).replace(/\r?\n$/, '');
  }
}

/** Splits `filters[0].typed_config["a.b"].name` into `filters`, 0, `typed_config`, `a.b`, `name`. */
export function pathSteps(path: string): (string | number)[] {
  const steps: (string | number)[] = [];
  for (const match of path.matchAll(/\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|([^.[\]]+)/g)) {
    if (match[1] !== undefined) steps.push(Number(match[1]));
    else if (match[2] !== undefined) steps.push(match[2].replace(/\\(.)/g, '$1'));
    else steps.push(match[3]!);
  }
  return steps;
}

/** Where a path leads: the last step that a text has. */
export interface Located extends SourceSpan {
  /** Which of the texts, by its index. */
  readonly source: number;
}

interface Candidate extends Located {
  readonly node: SourceNode;
  readonly keySpan: SourceSpan;
}

/**
 * Finds the value at a field path of proto names in texts that were merged in this order: objects
 * by field, lists end to end. Keys may be written in either spelling. Points at the key when asked
 * to or when a larger value is meant, else at the value; at the deepest step there is when the rest
 * is missing.
 */
export function locate(roots: readonly SourceNode[], path: string, onKey: boolean): Located {
  let candidates = roots.map((node, source) => ({ node, source, ...spans(node, null) }));
  for (const step of pathSteps(path)) {
    const next = typeof step === 'number' ? itemOf(candidates, step) : entriesOf(candidates, step);
    if (next.length === 0) break;
    candidates = next;
  }
  // Of a scalar given twice, the later text's counts.
  const found = candidates.at(-1);
  if (found === undefined) return { source: 0, start: 0, end: 0 };
  const { start, end } = onKey ? found.keySpan : found;
  return { source: found.source, start, end };
}

function entriesOf(candidates: readonly Candidate[], step: string): Candidate[] {
  return candidates.flatMap(({ node, source }) => {
    if (node.kind !== 'map') return [];
    const entry = entryOf(node, step) ?? entryOf(node, camelCase(step)) ?? anyValue(node, step);
    return entry === null ? [] : [{ node: entry.value, source, ...spans(entry.value, entry) }];
  });
}

/** Lists are appended to one another; one value stands for a list of one. */
function itemOf(candidates: readonly Candidate[], index: number): Candidate[] {
  let left = index;
  for (const candidate of candidates) {
    const { node, source } = candidate;
    const items = node.kind === 'list' ? node.items : [node];
    const item = items[left];
    if (item === node) return [candidate];
    if (item !== undefined) return [{ node: item, source, ...spans(item, null) }];
    left -= items.length;
  }
  return [];
}

function spans(node: SourceNode, entry: SourceEntry | null): SourceSpan & { keySpan: SourceSpan } {
  const first = { start: node.start, end: node.start + 1 };
  const keySpan = entry === null ? first : { start: entry.keyStart, end: entry.keyEnd };
  const isVisible = node.kind === 'scalar' && node.end > node.start;
  return { ...(isVisible ? { start: node.start, end: node.end } : keySpan), keySpan };
}

/** An Any of a well-known type keeps its content under `value`; paths do not show that. */
function anyValue(node: MapNode, step: string): ReturnType<typeof entryOf> {
  if (entryOf(node, '@type') === null || step === 'value') return null;
  const value = entryOf(node, 'value');
  return value?.value.kind === 'map' ? entryOf(value.value, step) : null;
}

/** The JSON spelling of a proto field name. */
export function camelCase(name: string): string {
  return name.replace(/_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
