// Which fields of a message differ, with Envoy's names and both values.
import { flowText, isList, type Json, type JsonFields } from '../flow-text.ts';

/** One field. */
export interface FieldDifference {
  /** `route.timeout`, `route.weighted_clusters.clusters[cart].weight`, `domains[]` for an item. */
  readonly field: string;
  /** null: it is not set. */
  readonly before: string | null;
  readonly after: string | null;
}

/** What tells the items of a list apart, where all of them have it. */
const NAMES: readonly ((item: JsonFields) => Json | undefined)[] = [
  (item) => item['name'],
  (item) => item['key'],
  (item) => {
    const { header } = item;
    return isFields(header) ? header['key'] : undefined;
  },
  (item) => item['cluster'],
];

/** In the order of the fields; empty: they are equal. */
export function fieldDifferences(
  before: Json | undefined,
  after: Json | undefined,
): readonly FieldDifference[] {
  return differences('', before, after);
}

function differences(
  field: string,
  before: Json | undefined,
  after: Json | undefined,
): readonly FieldDifference[] {
  if (isFields(before) && isFields(after)) return ofFields(field, before, after);
  if (isItems(before) && isItems(after)) return ofItems(field, before, after);
  return changed(field, textOf(before), textOf(after));
}

function changed(
  field: string,
  before: string | null,
  after: string | null,
): readonly FieldDifference[] {
  return before === after ? [] : [{ field, before, after }];
}

/** What came and what went; the order where that is all. */
function ofScalars(
  field: string,
  before: readonly Json[],
  after: readonly Json[],
): readonly FieldDifference[] {
  const gone = before.filter((item) => !after.includes(item));
  const come = after.filter((item) => !before.includes(item));
  if (gone.length + come.length === 0) return changed(field, flowText(before), flowText(after));
  return [
    ...gone.map((item) => ({ field: `${field}[]`, before: flowText(item), after: null })),
    ...come.map((item) => ({ field: `${field}[]`, before: null, after: flowText(item) })),
  ];
}

function ofFields(
  field: string,
  before: JsonFields,
  after: JsonFields,
): readonly FieldDifference[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) =>
    differences(field === '' ? name : `${field}.${name}`, before[name], after[name]),
  );
}

function ofItems(
  field: string,
  before: readonly Json[],
  after: readonly Json[],
): readonly FieldDifference[] {
  if ([...before, ...after].every((item) => item === null || typeof item !== 'object')) {
    return ofScalars(field, before, after);
  }
  const old = byName(before);
  const next = byName(after);
  if (old === null || next === null) {
    if (before.length === after.length && before.length === 1) {
      return differences(`${field}[0]`, before[0], after[0]);
    }
    return changed(field, flowText(before), flowText(after));
  }
  const names = new Set([...old.keys(), ...next.keys()]);
  const inside = [...names].flatMap((name) =>
    differences(`${field}[${name}]`, old.get(name), next.get(name)),
  );
  const isMoved = [...old.keys()].join('\n') !== [...next.keys()].join('\n');
  if (inside.length > 0 || !isMoved) return inside;
  return changed(`${field}, in this order`, listText(old), listText(next));
}

/** null: the items have no names, or share one. */
function byName(items: readonly Json[]): ReadonlyMap<string, Json> | null {
  const nameOf = NAMES.find((name) =>
    items.every((item) => isFields(item) && typeof name(item) === 'string'),
  );
  if (nameOf === undefined) return null;
  const named = new Map(items.map((item) => [String(nameOf(item as JsonFields)), item]));
  return named.size === items.length ? named : null;
}

function listText(items: ReadonlyMap<string, Json>): string {
  return [...items.keys()].join(', ');
}

function textOf(value: Json | undefined): string | null {
  return value === undefined ? null : flowText(value);
}

function isFields(value: Json | undefined): value is JsonFields {
  return value !== undefined && value !== null && typeof value === 'object' && !isList(value);
}

function isItems(value: Json | undefined): value is readonly Json[] {
  return value !== undefined && value !== null && typeof value === 'object' && isList(value);
}
