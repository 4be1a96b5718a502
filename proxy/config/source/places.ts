// Where the parts of a configuration stand in the files that it was read from, for whoever explains
// what a part does. The files are read again when the first place is asked for: a proxy that nobody
// asks keeps no trees.
import { LineIndex, locate } from './position.ts';
import { formatOf, readText, type SourceText } from './source-file.ts';
import type { SourceNode } from './source-node.ts';

/** A place that an editor can open; lines and columns from 1. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A source whose text is known. */
export type ReadSource = SourceText & { readonly content: string };

interface Tree {
  readonly name: string;
  readonly root: SourceNode;
  readonly lines: LineIndex;
}

/** The places of one configuration. */
export class SourcePlaces {
  /** In the order in which they were merged. */
  readonly sources: readonly ReadSource[];
  #trees: readonly Tree[] | null = null;

  constructor(sources: readonly ReadSource[]) {
    this.sources = sources;
  }

  /** Where the value at a field path of proto names begins; null: in none of the texts. */
  find(path: string): SourcePlace | null {
    this.#trees ??= this.sources.flatMap(treeOf);
    const roots = this.#trees.map(({ root }) => root);
    const found = locate(roots, path, false);
    const tree = this.#trees[found.source];
    return tree === undefined ? null : { file: tree.name, ...tree.lines.position(found.start) };
  }
}

function treeOf(source: ReadSource): readonly Tree[] {
  const read = readText(source.content, formatOf(source));
  const lines = new LineIndex(source.content);
  return read.ok ? [{ name: source.name, root: read.root, lines }] : [];
}
