// A configuration text as a tree of plain nodes that remember where they stood. Both readers (YAML
// and JSON) build it; the decoder sees only the plain value, reports find the way back by path.

/** A scalar, list or map with its place in the text: offsets in UTF-16 units, `end` exclusive. */
export type SourceNode = ScalarNode | ListNode | MapNode;

/** null, a boolean, a number or text. */
export interface ScalarNode {
  readonly kind: 'scalar';
  readonly start: number;
  readonly end: number;
  readonly value: string | number | boolean | null;
}

/** A sequence. */
export interface ListNode {
  readonly kind: 'list';
  readonly start: number;
  readonly end: number;
  readonly items: readonly SourceNode[];
}

/** A mapping; keys may repeat, the last one wins. */
export interface MapNode {
  readonly kind: 'map';
  readonly start: number;
  readonly end: number;
  readonly entries: readonly SourceEntry[];
}

/** One key with its value. */
export interface SourceEntry {
  readonly key: string;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly value: SourceNode;
}

/** Something wrong with the text itself, found while it is read. */
export interface SourceProblem {
  readonly start: number;
  readonly end: number;
  readonly reason: string;
}

/** What a reader makes of a text. */
export type ReadResult =
  | { readonly ok: true; readonly root: SourceNode; readonly warnings: readonly SourceProblem[] }
  | { readonly ok: false; readonly problems: readonly SourceProblem[] };

/** Deepest nesting that is read; deeper texts are refused before they cost stack. */
export const MAX_DEPTH = 100;

/** Largest text that is read, in bytes; the largest bootstraps seen in the field have a few MB. */
export const MAX_SOURCE_BYTES = 16 * 1024 * 1024;

/**
 * The plain value of a tree. Objects have no prototype, so that `__proto__` is a key like any
 * other. A node that the tree holds twice (an alias) becomes one shared value.
 */
export function toPlainValue(node: SourceNode): unknown {
  return plain(node, new Map());
}

function plain(node: SourceNode, shared: Map<SourceNode, unknown>): unknown {
  if (node.kind === 'scalar') return node.value;
  const known = shared.get(node);
  if (known !== undefined) return known;
  if (node.kind === 'list') {
    const list = node.items.map((item) => plain(item, shared));
    shared.set(node, list);
    return list;
  }
  const object = Object.create(null) as Record<string, unknown>;
  for (const entry of node.entries) object[entry.key] = plain(entry.value, shared);
  shared.set(node, object);
  return object;
}

/** The entry that counts for a key: the last one. */
export function entryOf(node: MapNode, key: string): SourceEntry | null {
  for (let i = node.entries.length - 1; i >= 0; i--) {
    const entry = node.entries[i]!;
    if (entry.key === key) return entry;
  }
  return null;
}

/** Warns of keys that a mapping has more than once. */
export function repeatedKeys(entries: readonly SourceEntry[]): SourceProblem[] {
  const seen = new Set<string>();
  const problems: SourceProblem[] = [];
  for (const entry of entries) {
    if (seen.has(entry.key)) {
      problems.push({
        start: entry.keyStart,
        end: entry.keyEnd,
        reason: `the key '${entry.key}' is given more than once here; the last one counts`,
      });
    }
    seen.add(entry.key);
  }
  return problems;
}
