// From texts to one decoded bootstrap: each is read and decoded for itself, so that its errors have
// its places, then merged as protobuf merges (later scalars win, lists are appended).
import { create, type DescMessage, fromBinary, type Message, merge } from '@bufbuild/protobuf';
import { decodeMessage } from './schema/decode-message.ts';
import { type Problem, ProblemWalk } from './schema/problems.ts';
import { LineIndex, locate } from './source/position.ts';
import type { LocatedProblem } from './source/report.ts';
import { formatOf, readText, type SourceText, textOf } from './source/source-file.ts';
import { type SourceNode, type SourceProblem, toPlainValue } from './source/source-node.ts';

/** What finding and reporting problems needs of the texts; kept until loading is over. */
export class MergedSources {
  /** Texts by name, for code frames. */
  readonly texts = new Map<string, string>();
  readonly problems: LocatedProblem[] = [];
  readonly undecoded: Problem[] = [];
  readonly #schema: DescMessage;
  readonly #names: string[] = [];
  readonly #roots: SourceNode[] = [];
  readonly #lines = new Map<string, LineIndex>();
  readonly #allowUnknown: boolean;
  #unread = 0;

  constructor(schema: DescMessage, allowUnknown: boolean) {
    this.#schema = schema;
    this.#allowUnknown = allowUnknown;
  }

  /** True when a text could not be read at all. */
  get isIncomplete(): boolean {
    return this.#unread > 0;
  }

  get failed(): boolean {
    return this.problems.some((problem) => problem.severity === 'error');
  }

  /** The texts as one message; what could not be decoded is missing in it and in `problems`. */
  decode(sources: readonly SourceText[]): Message {
    const merged = create(this.#schema);
    for (const source of sources) {
      const message = this.#decodeOne(source);
      if (message === null) this.#unread++;
      else merge(this.#schema, merged, message);
    }
    return merged;
  }

  /** Adds a problem found in the merged message. */
  add(severity: LocatedProblem['severity'], problem: Pick<Problem, 'path' | 'reason'>): void {
    const onKey = 'onKey' in problem && problem.onKey === true;
    const { source, start, end } = locate(this.#roots, problem.path, onKey);
    const place = this.#place(this.#names[source] ?? '', { start, end });
    this.problems.push({ ...place, severity, path: problem.path, reason: problem.reason });
  }

  #decodeOne(source: SourceText): Message | null {
    const format = formatOf(source);
    if (format === 'protobuf' && typeof source.content !== 'string') {
      return this.#decodeBinary(source.name, source.content);
    }
    const text = textOf(source);
    if (text === null) {
      this.#addFile(source.name, 'the file is not UTF-8 text');
      return null;
    }
    this.texts.set(source.name, text);
    const read = readText(text, format);
    for (const it of read.ok ? read.warnings : []) this.#addText(source.name, 'warning', it);
    if (!read.ok) {
      const guess = format === 'json' ? hintOfFormat(source.name) : '';
      for (const { reason, ...span } of read.problems) {
        this.#addText(source.name, 'error', { ...span, reason: reason + guess });
      }
      return null;
    }
    const walk = new ProblemWalk();
    const message = decodeMessage(this.#schema, toPlainValue(read.root), walk);
    this.#addDecoding(source.name, read.root, walk);
    this.#names.push(source.name);
    this.#roots.push(read.root);
    return message;
  }

  #decodeBinary(name: string, content: Uint8Array): Message | null {
    try {
      return fromBinary(this.#schema, content);
    } catch {
      // Malformed bytes; the library's text says nothing that helps to find them.
      this.#addFile(name, `the file is no binary ${this.#schema.typeName}`);
      return null;
    }
  }

  #addFile(name: string, reason: string): void {
    this.problems.push({ ...nowhere(name), severity: 'error', path: '', reason });
  }

  #addDecoding(name: string, root: SourceNode, walk: ProblemWalk): void {
    for (const problem of walk.rejections) {
      const passes = this.#allowUnknown && problem.isUnknownField;
      if (!passes) this.undecoded.push(problem);
      const span = locate([root], problem.path, problem.onKey);
      this.problems.push({
        ...this.#place(name, span),
        severity: passes ? 'warning' : 'error',
        path: problem.path,
        reason: problem.reason,
      });
    }
    for (const { path, reason } of walk.warnings) {
      const place = this.#place(name, locate([root], path, true));
      this.problems.push({ ...place, severity: 'warning', path, reason });
    }
  }

  #addText(name: string, severity: LocatedProblem['severity'], problem: SourceProblem): void {
    const { reason } = problem;
    this.problems.push({ ...this.#place(name, problem), severity, path: '', reason });
  }

  #place(name: string, span: { readonly start: number; readonly end: number }): Place {
    const text = this.texts.get(name);
    if (text === undefined) return nowhere(name);
    let index = this.#lines.get(name);
    if (index === undefined) {
      index = new LineIndex(text);
      this.#lines.set(name, index);
    }
    const { line, column } = index.position(span.start);
    return { file: name, line, column, length: Math.max(1, span.end - span.start) };
  }
}

/** Whoever named a YAML file otherwise would look for the mistake in its text. */
function hintOfFormat(name: string): string {
  if (name.toLowerCase().endsWith('.json')) return '';
  return '; it was read as JSON because its name does not end in .yaml or .yml';
}

type Place = Pick<LocatedProblem, 'file' | 'line' | 'column' | 'length'>;

function nowhere(file: string): Place {
  return { file, line: 0, column: 0, length: 0 };
}
