// From offsets and field paths to places a person can find: line and column, both from 1.
import { entryOf, type MapNode, type SourceNode } from './source-node.ts';

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

/** Where a path leads in a text: the last step that the text has. */
export interface Located extends SourceSpan {
  /** True when the text has every step of the path. */
  readonly exact: boolean;
}

/**
 * Finds the value at a field path of proto names; keys may be written in either spelling. Points at
 * the key when a map is meant (its value may be a screenful), else at the value; at the deepest
 * step there is when the rest is missing.
 */
export function locate(root: SourceNode, path: string): Located {
  let node = root;
  let span: SourceSpan = { start: root.start, end: root.start + 1 };
  for (const step of pathSteps(path)) {
    const next = stepInto(node, step);
    if (next === null) return { ...span, exact: false };
    ({ node, span } = next);
  }
  return { ...span, exact: true };
}

function stepInto(
  node: SourceNode,
  step: string | number,
): { readonly node: SourceNode; readonly span: SourceSpan } | null {
  if (typeof step === 'number') {
    // One value may stand for a list of one.
    const item = node.kind === 'list' ? node.items[step] : node;
    if (item === undefined) return null;
    return {
      node: item,
      span: item.kind === 'scalar' ? item : { start: item.start, end: item.start + 1 },
    };
  }
  if (node.kind !== 'map') return null;
  const entry = entryOf(node, step) ?? entryOf(node, camelCase(step)) ?? anyValue(node, step);
  if (entry === null) return null;
  const isShort = entry.value.kind === 'scalar' && entry.value.end > entry.value.start;
  const span = isShort ? entry.value : { start: entry.keyStart, end: entry.keyEnd };
  return { node: entry.value, span };
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
