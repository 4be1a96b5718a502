// JSON text to source nodes. It takes what Envoy's reader takes beyond RFC 8259 (single quotes, bare
// keys, a comma before the closing bracket) and nothing else: no comments, no NaN.
import {
  MAX_DEPTH,
  type ReadResult,
  repeatedKeys,
  type SourceEntry,
  type SourceNode,
  type SourceProblem,
} from './source-node.ts';

const BLANKS = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
const WORD = /[A-Za-z_$][\w$]*/y;
const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** Reads a JSON text; stops at the first syntax error. */
export function readJson(text: string): ReadResult {
  const reader = new JsonReader(text);
  try {
    return { ok: true, root: reader.readAll(), warnings: reader.warnings };
  } catch (error) {
    if (error instanceof JsonSyntaxError) return { ok: false, problems: [error.problem] };
    throw error;
  }
}

/** Leaves the recursive descent; never seen outside of this file. */
class JsonSyntaxError extends Error {
  readonly problem: SourceProblem;

  constructor(problem: SourceProblem) {
    super(problem.reason);
    this.problem = problem;
  }
}

class JsonReader {
  readonly warnings: SourceProblem[] = [];
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readAll(): SourceNode {
    const root = this.#value();
    this.#skipBlanks();
    if (this.#at < this.#text.length) this.#fail('nothing may follow the end of the JSON value');
    return root;
  }

  #value(): SourceNode {
    this.#skipBlanks();
    const first = this.#text[this.#at];
    if (first === '{') return this.#nested(() => this.#map());
    if (first === '[') return this.#nested(() => this.#list());
    const start = this.#at;
    if (first === '"' || first === "'") {
      return { kind: 'scalar', value: this.#quoted(first), start, end: this.#at };
    }
    const number = this.#take(NUMBER);
    if (number !== '') {
      if (/[\w.]/.test(this.#text[this.#at] ?? '')) this.#fail('this is not a JSON number', start);
      return { kind: 'scalar', value: numberValue(number), start, end: this.#at };
    }
    return { kind: 'scalar', value: this.#word(), start, end: this.#at };
  }

  #nested(read: () => SourceNode): SourceNode {
    if (++this.#depth > MAX_DEPTH) this.#fail(`nested deeper than ${MAX_DEPTH} levels`);
    const node = read();
    this.#depth--;
    return node;
  }

  #map(): SourceNode {
    const start = this.#at++;
    const entries: SourceEntry[] = [];
    while (!this.#closes('}')) {
      const keyStart = this.#at;
      const key = this.#key();
      const keyEnd = this.#at;
      this.#skipBlanks();
      if (this.#text[this.#at] !== ':') this.#fail(`expected ':' after the key '${key}'`);
      this.#at++;
      entries.push({ key, keyStart, keyEnd, value: this.#value() });
      this.#separator('}');
    }
    this.#at++;
    const repeated = repeatedKeys(entries);
    for (const problem of repeated) this.warnings.push(problem);
    const kept = repeated.length > 0 ? mergeRepeated(entries) : entries;
    return { kind: 'map', entries: kept, start, end: this.#at };
  }

  #list(): SourceNode {
    const start = this.#at++;
    const items: SourceNode[] = [];
    while (!this.#closes(']')) {
      items.push(this.#value());
      this.#separator(']');
    }
    this.#at++;
    return { kind: 'list', items, start, end: this.#at };
  }

  #closes(bracket: string): boolean {
    this.#skipBlanks();
    if (this.#at >= this.#text.length) this.#fail(`the text ends before a '${bracket}'`);
    return this.#text[this.#at] === bracket;
  }

  #separator(bracket: string): void {
    if (this.#closes(bracket)) return;
    if (this.#text[this.#at] !== ',') this.#fail(`expected ',' or '${bracket}'`);
    this.#at++;
  }

  #key(): string {
    const first = this.#text[this.#at];
    if (first === '"' || first === "'") return this.#quoted(first);
    const word = this.#take(WORD);
    if (word === '') this.#fail('expected a key in quotes');
    return word;
  }

  #quoted(quote: string): string {
    const start = this.#at++;
    let result = '';
    let from = this.#at;
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) this.#fail('the text ends inside quotes', start);
      if (char === quote) break;
      if (char < ' ') this.#fail('a control character inside quotes must be written as an escape');
      if (char === '\\') {
        result += this.#text.slice(from, this.#at) + this.#escape();
        from = this.#at;
      } else {
        this.#at++;
      }
    }
    result += this.#text.slice(from, this.#at++);
    if (LONE_SURROGATE.test(result)) this.#fail('half of a surrogate pair is no character', start);
    return result;
  }

  #escape(): string {
    const letter = this.#text[this.#at + 1] ?? '';
    if (letter === 'u') {
      const digits = this.#text.slice(this.#at + 2, this.#at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits))
        this.#fail('expected four hexadecimal digits after \\u');
      this.#at += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const value = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    if (value === undefined) this.#fail(`'\\${letter}' is no escape of JSON`);
    this.#at += 2;
    return value;
  }

  #word(): boolean | null {
    const start = this.#at;
    const word = this.#take(WORD);
    if (word === 'true') return true;
    if (word === 'false') return false;
    if (word === 'null') return null;
    const what = word === '' ? (this.#text[start] ?? 'the end of the text') : word;
    return this.#fail(`expected a JSON value, found '${what}'`, start);
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  #skipBlanks(): void {
    this.#take(BLANKS);
  }

  #fail(reason: string, start = this.#at): never {
    throw new JsonSyntaxError({ start, end: Math.max(start + 1, this.#at), reason });
  }
}

/** Integers that a double cannot hold stay text, which 64-bit fields accept. */
function numberValue(text: string): number | string {
  const value = Number(text);
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? text : value;
}

/** Envoy reads a repeated key into the same message again: objects merge, all else is replaced. */
function mergeRepeated(entries: readonly SourceEntry[]): SourceEntry[] {
  const byKey = new Map<string, SourceEntry>();
  for (const entry of entries) {
    const earlier = byKey.get(entry.key);
    byKey.set(entry.key, earlier === undefined ? entry : mergeEntries(earlier, entry));
  }
  return [...byKey.values()];
}

function mergeEntries(earlier: SourceEntry, later: SourceEntry): SourceEntry {
  const a = earlier.value;
  const b = later.value;
  if (a.kind !== 'map' || b.kind !== 'map') return later;
  return { ...later, value: { ...b, entries: mergeRepeated([...a.entries, ...b.entries]) } };
}
