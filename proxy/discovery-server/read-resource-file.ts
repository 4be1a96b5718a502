// A file of resources as people write them, checked whole: DiscoveryResponses, single resources with
// their `@type`, lists of both, several documents in a file. Every fault is found at once, with its
// place.
import { LineIndex, locate, type SourceSpan } from '../config/source/position.ts';
import { readYamlDocuments } from '../config/source/read-yaml.ts';
import type { LocatedProblem } from '../config/source/report.ts';
import { formatOf, readText, type SourceText, textOf } from '../config/source/source-file.ts';
import { type ReadResult, type SourceNode, toPlainValue } from '../config/source/source-node.ts';
import type { CheckContent } from './check-content.ts';
import { DocumentReader } from './read-document.ts';
import type { ServedResource } from './snapshot.ts';

/** A resource and where it stands. */
export interface PlacedResource {
  readonly resource: ServedResource;
  readonly place: Place;
}

/** A file that was read; of one with errors nothing should be served. */
export interface ResourceFile {
  readonly isGood: boolean;
  readonly resources: readonly PlacedResource[];
  readonly problems: readonly LocatedProblem[];
  /** For the report; null: it is no text. */
  readonly text: string | null;
}

/** A stretch of a line of a file. */
export type Place = Pick<LocatedProblem, 'file' | 'line' | 'column' | 'length'>;

/** Reads a file; never throws for what it holds. */
export function readResourceFile(source: SourceText, check: CheckContent): ResourceFile {
  const text = textOf(source);
  if (text === null) return unreadable(source.name, 'the file is not UTF-8 text');
  const places = new Places(source.name, text);
  const resources: PlacedResource[] = [];
  const problems: LocatedProblem[] = [];
  for (const read of documentsOf(source, text)) {
    if (read.ok) {
      readDocument(read.root, { check, places, resources, problems });
      for (const warning of read.warnings) problems.push(places.ofText('warning', warning));
    } else {
      for (const problem of read.problems) problems.push(places.ofText('error', problem));
    }
  }
  const isGood = problems.every(({ severity }) => severity !== 'error');
  return { isGood, resources, problems, text };
}

/** A file that cannot be read at all. */
export function unreadable(file: string, reason: string): ResourceFile {
  const nowhere = { file, line: 0, column: 0, length: 0 };
  const problem = { ...nowhere, severity: 'error' as const, path: '', reason };
  return { isGood: false, resources: [], problems: [problem], text: null };
}

/** A file with nothing in it has no resources, and no fault. */
function documentsOf(source: SourceText, text: string): readonly ReadResult[] {
  const format = formatOf(source);
  if (text.trim() === '') return [];
  return format === 'yaml' ? readYamlDocuments(text) : [readText(text, format)];
}

interface Reading {
  readonly check: CheckContent;
  readonly places: Places;
  readonly resources: PlacedResource[];
  readonly problems: LocatedProblem[];
}

function readDocument(root: SourceNode, { check, places, problems, resources }: Reading): void {
  const reader = new DocumentReader(check);
  reader.read(toPlainValue(root), '');
  for (const { resource, path } of reader.resources) {
    resources.push({ resource, place: places.of(locate([root], path, true)) });
  }
  for (const { path, reason, onKey } of reader.rejections) {
    const place = places.of(locate([root], path, onKey === true));
    problems.push({ ...place, severity: 'error', path, reason });
  }
  for (const { path, reason } of reader.warnings) {
    const place = places.of(locate([root], path, true));
    problems.push({ ...place, severity: 'warning', path, reason });
  }
}

/** From offsets of one file to places. */
class Places {
  readonly #file: string;
  readonly #text: string;
  #lines: LineIndex | null = null;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
  }

  of({ start, end }: SourceSpan): Place {
    this.#lines ??= new LineIndex(this.#text);
    const { line, column } = this.#lines.position(start);
    return { file: this.#file, line, column, length: Math.max(1, end - start) };
  }

  ofText(
    severity: LocatedProblem['severity'],
    problem: SourceSpan & { readonly reason: string },
  ): LocatedProblem {
    return { ...this.of(problem), severity, path: '', reason: problem.reason };
  }
}
