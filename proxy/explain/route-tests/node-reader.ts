// Reads a YAML tree field by field and says what is wrong with it where it stands.
import { suggest } from '../../config/schema/suggest.ts';
import { LineIndex } from '../../config/source/position.ts';
import type { LocatedProblem } from '../../config/source/report.ts';
import type { MapNode, SourceEntry, SourceNode } from '../../config/source/source-node.ts';
import type { Origin } from '../configuration.ts';

interface Span {
  readonly start: number;
  readonly end: number;
}

/** One file; problems are collected, never thrown. */
export class NodeReader {
  readonly problems: LocatedProblem[] = [];
  readonly #file: string;
  readonly #text: string;
  readonly #lines: LineIndex;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
    this.#lines = new LineIndex(text);
  }

  reject(span: Span, path: string, reason: string): void {
    const length = Math.max(1, span.end - span.start);
    const place = { file: this.#file, ...this.#lines.position(span.start), length };
    this.problems.push({ severity: 'error', ...place, path, reason });
  }

  origin(span: Span, path: string): Origin {
    return { path, file: this.#file, ...this.#lines.position(span.start) };
  }

  /** The members of a mapping; unknown ones are refused, with what was most likely meant. */
  members(
    node: SourceNode,
    path: string,
    known: readonly string[],
  ): ReadonlyMap<string, SourceEntry> {
    const found = new Map<string, SourceEntry>();
    for (const entry of this.entries(node, path)) {
      if (known.includes(entry.key)) {
        found.set(entry.key, entry);
        continue;
      }
      const near = suggest(entry.key, known);
      const hint = near === null ? `known are ${known.join(', ')}` : `did you mean '${near}'?`;
      const span = { start: entry.keyStart, end: entry.keyEnd };
      this.reject(span, below(path, entry.key), `unknown key '${entry.key}'; ${hint}`);
    }
    return found;
  }

  /** The members of a mapping with names of its own. */
  entries(node: SourceNode, path: string): readonly SourceEntry[] {
    if (node.kind === 'map') return (node as MapNode).entries;
    this.reject(start(node), path, 'must be a mapping');
    return [];
  }

  items(node: SourceNode, path: string): readonly SourceNode[] {
    if (node.kind === 'list') return node.items;
    this.reject(start(node), path, 'must be a list');
    return [];
  }

  /** A scalar as it is written; null when it is none. */
  text(node: SourceNode, path: string): string | null {
    if (node.kind === 'scalar' && node.value !== null) {
      return typeof node.value === 'string' ? node.value : this.#text.slice(node.start, node.end);
    }
    this.reject(start(node), path, 'must be a text');
    return null;
  }

  number(node: SourceNode, path: string, most: number): number | null {
    if (node.kind === 'scalar' && typeof node.value === 'number') {
      if (node.value >= 0 && node.value <= most) return node.value;
    }
    this.reject(start(node), path, `must be a number from 0 to ${most}`);
    return null;
  }

  /** One of several words. */
  choice<T extends string>(node: SourceNode, path: string, choices: readonly T[]): T | null {
    const text = this.text(node, path);
    if (text === null) return null;
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return found;
    const near = suggest(text, choices);
    const hint = near === null ? `one of ${choices.join(', ')}` : `did you mean '${near}'?`;
    this.reject(node, path, `'${text}' is unknown; ${hint}`);
    return null;
  }
}

/** A path with one more step. */
export function below(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function start(node: SourceNode): Span {
  return node.kind === 'scalar' ? node : { start: node.start, end: node.start + 1 };
}
