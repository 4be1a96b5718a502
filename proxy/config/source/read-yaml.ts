// YAML text to source nodes, by the yaml package. Of a configuration only the first document counts,
// as in Envoy. Merge keys (`<<`) are keys like any other, so that the decoder refuses them where
// Envoy does; keys tagged `!ignore` are dropped: they hold anchors.
import {
  type Alias,
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  Parser,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import {
  MAX_DEPTH,
  type ReadResult,
  repeatedKeys,
  type SourceEntry,
  type SourceNode,
  type SourceProblem,
} from './source-node.ts';
import { findExcess } from './yaml-limits.ts';
import { plainScalar } from './yaml-scalar.ts';
import { syntaxProblems } from './yaml-syntax.ts';

/** Most nodes that aliases may add in all, counted as if each were written out. */
const MAX_ALIASED_NODES = 100_000;

const CORE_TAGS = /^(?:!|tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq))$/;
const IGNORE_TAG = '!ignore';

/** Reads the first document of a YAML text; all syntax errors of it are found at once. */
export function readYaml(text: string): ReadResult {
  const excess = findExcess(text);
  if (excess !== null) return { ok: false, problems: [excess] };
  const first = composeFirst(text);
  return first === null ? { ok: false, problems: [emptyProblem(text)] } : build(first, text);
}

/**
 * Reads all documents of a YAML text, without those that hold nothing; the errors of each are found
 * at once.
 */
export function readYamlDocuments(text: string): readonly ReadResult[] {
  const excess = findExcess(text);
  if (excess !== null) return [{ ok: false, problems: [excess] }];
  return [...documentsOf(text)]
    .filter((document) => document.errors.length > 0 || !isEmpty(document))
    .map((document) => build({ document, more: null }, text));
}

function isEmpty({ contents }: Document.Parsed): boolean {
  return contents === null || (isScalar(contents) && (contents.source ?? '') === '');
}

function build({ document, more }: FirstDocument, text: string): ReadResult {
  const syntax = document.errors.length > 0 ? syntaxProblems(document.errors, text) : [];
  if (syntax.length > 0) return { ok: false, problems: syntax };
  const builder = new NodeBuilder();
  const root = builder.build(document.contents, text.length);
  if (builder.problems.length > 0) return { ok: false, problems: builder.problems };
  if (root.kind === 'scalar') return { ok: false, problems: [emptyProblem(text)] };
  const warnings = more === null ? builder.warnings : [...builder.warnings, more];
  return { ok: true, root, warnings };
}

interface FirstDocument {
  readonly document: Document.Parsed;
  /** A warning when the text holds a second document. */
  readonly more: SourceProblem | null;
}

function composeFirst(text: string): FirstDocument | null {
  // The composer hands out a document when the next one begins.
  for (const { document, isLast } of composed(text)) {
    return { document, more: isLast ? null : secondOf(document) };
  }
  return null;
}

function* documentsOf(text: string): Generator<Document.Parsed, void> {
  for (const { document } of composed(text)) yield document;
}

function* composed(
  text: string,
): Generator<{ readonly document: Document.Parsed; readonly isLast: boolean }, void> {
  const composer = new Composer({
    schema: 'failsafe',
    uniqueKeys: false,
    merge: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  for (const token of new Parser().parse(text)) {
    for (const document of composer.next(token)) yield { document, isLast: false };
  }
  for (const document of composer.end()) yield { document, isLast: true };
}

function secondOf(first: Document.Parsed): SourceProblem {
  const start = first.range[2];
  return { start, end: start + 3, reason: 'only the first YAML document of a file is read' };
}

function emptyProblem(text: string): SourceProblem {
  const reason = 'expected a mapping of fields, such as `static_resources: {}`';
  return { start: 0, end: Math.min(1, text.length), reason };
}

class NodeBuilder {
  readonly problems: SourceProblem[] = [];
  readonly warnings: SourceProblem[] = [];
  readonly #anchors = new Map<string, Built>();
  #aliasedNodes = 0;
  #depth = 0;

  build(node: Node | null, end: number): SourceNode {
    return this.#node(node, end).node;
  }

  /** `at` is where an absent node would stand. */
  #node(node: Node | null, at: number): Built {
    if (node === null) return nothing(at);
    if (isAlias(node)) return this.#alias(node);
    this.#checkTag(node);
    if (isScalar(node)) return this.#remember(node, this.#scalar(node));
    if (!isMap(node) && !isSeq(node)) return nothing(at);
    if (this.#depth >= MAX_DEPTH) {
      this.#problem(node, `nested deeper than ${MAX_DEPTH} levels`);
      return nothing(at);
    }
    this.#depth++;
    const built = isMap(node) ? this.#map(node) : this.#list(node);
    this.#depth--;
    return this.#remember(node, built);
  }

  #scalar(node: Scalar): Built {
    const [start, end] = range(node);
    const text = typeof node.value === 'string' ? node.value : (node.source ?? '');
    const isText = node.type !== 'PLAIN' || node.tag === '!';
    const value = isText ? text : plainScalar(text);
    return { node: { kind: 'scalar', value, start, end }, size: 1 };
  }

  #list(node: YAMLSeq): Built {
    const [start, end] = range(node);
    let size = 1;
    const items = node.items.map((item) => {
      const built = this.#node(item as Node | null, start);
      size += built.size;
      return built.node;
    });
    return { node: { kind: 'list', items, start, end }, size };
  }

  #map(node: YAMLMap): Built {
    const [start, end] = range(node);
    const entries: SourceEntry[] = [];
    let size = 1;
    for (const pair of node.items) {
      const key = pair.key as Node | null;
      const value = this.#node(pair.value as Node | null, key === null ? start : range(key)[1]);
      const entry = this.#entry(key, value.node, start);
      if (entry === null) continue;
      entries.push(entry);
      size += 1 + value.size;
    }
    for (const problem of repeatedKeys(entries)) this.warnings.push(problem);
    return { node: { kind: 'map', entries, start, end }, size };
  }

  #entry(key: Node | null, value: SourceNode, at: number): SourceEntry | null {
    if (key === null) return { key: '', keyStart: at, keyEnd: at, value };
    if (isScalar(key) && key.tag === IGNORE_TAG) return null;
    const [keyStart, keyEnd] = range(key);
    const built = this.#node(key, at).node;
    if (built.kind !== 'scalar') {
      this.#problem(key, 'a key must be plain text');
      return null;
    }
    const text = isScalar(key) ? String(key.value ?? '') : String(built.value);
    return { key: text, keyStart, keyEnd, value };
  }

  #alias(node: Alias): Built {
    const [start, end] = range(node);
    const target = this.#anchors.get(node.source);
    if (target === undefined) {
      this.#problems(start, end, `no anchor &${node.source} is complete before this alias`);
      return nothing(start);
    }
    this.#aliasedNodes += target.size;
    if (this.#aliasedNodes > MAX_ALIASED_NODES) {
      this.#problems(start, end, `aliases add more than ${MAX_ALIASED_NODES} values`);
      return nothing(start);
    }
    return target;
  }

  #remember(node: Node, built: Built): Built {
    const anchor = isAlias(node) ? undefined : (node as { anchor?: string }).anchor;
    if (anchor !== undefined) this.#anchors.set(anchor, built);
    return built;
  }

  #checkTag(node: Node): void {
    const tag = (node as { tag?: string }).tag;
    if (tag === undefined || CORE_TAGS.test(tag) || tag === IGNORE_TAG) return;
    this.#problem(node, `the tag ${tag} is not supported`);
  }

  #problem(node: Node, reason: string): void {
    const [start, end] = range(node);
    this.#problems(start, end, reason);
  }

  #problems(start: number, end: number, reason: string): void {
    this.problems.push({ start, end, reason });
  }
}

/** A node with the number of nodes in it, aliases counted as if written out. */
interface Built {
  readonly node: SourceNode;
  readonly size: number;
}

function nothing(at: number): Built {
  return { node: { kind: 'scalar', value: null, start: at, end: at }, size: 1 };
}

function range(node: Node): readonly [number, number] {
  return [node.range?.[0] ?? 0, node.range?.[1] ?? 0];
}
