// What changes for traffic between two configurations: parts are paired by their names and compared
// by what they compiled to, so that another way of writing the same is no change.
import type { ExplainedConfiguration, Origin } from '../configuration.ts';
import { type ConfigPart, configParts, type PartKind } from './config-parts.ts';
import { type FieldDifference, fieldDifferences } from './field-changes.ts';
import { mayOverlap, shadowedRoutes } from './route-order.ts';

/** One change. */
export interface ConfigChange {
  readonly kind: 'added' | 'removed' | 'changed' | 'moved' | 'shadowed' | 'reachable';
  readonly part: PartKind;
  readonly name: string;
  /** The parts around it, from the outermost: `listener web`. */
  readonly scope: readonly string[];
  /** What it is, or why; '' for nothing to say. */
  readonly description: string;
  /** What differs in a changed part. */
  readonly fields: readonly FieldDifference[];
  /** In the new configuration; in the old one for what is removed. */
  readonly origin: Origin;
}

const FIRST_CHAIN = 'filter_chains[0]';

interface Pair {
  readonly before: ConfigPart;
  readonly after: ConfigPart;
}

/** In the order of the new configuration, what is gone behind what is there. */
export function compareConfigurations(
  before: ExplainedConfiguration,
  after: ExplainedConfiguration,
): readonly ConfigChange[] {
  const [old, next] = [configParts(before), configParts(after)];
  return [
    ...compareParts(old.listeners, next.listeners, []),
    ...compareParts(old.clusters, next.clusters, []),
  ];
}

function compareParts(
  before: readonly ConfigPart[],
  after: readonly ConfigPart[],
  scope: readonly string[],
): readonly ConfigChange[] {
  const { pairs, removed } = pairParts(before, after);
  const partners = new Map(pairs.map((pair) => [pair.after, pair]));
  return [
    ...after.flatMap((part) => {
      const pair = partners.get(part);
      return pair === undefined ? [comesOrGoes('added', part, scope)] : comparePair(pair, scope);
    }),
    ...removed.map((part) => comesOrGoes('removed', part, scope)),
    ...orderChanges(before, after, { pairs, scope }),
  ];
}

function comesOrGoes(
  kind: 'added' | 'removed',
  { kind: part, name, description, origin }: ConfigPart,
  scope: readonly string[],
): ConfigChange {
  return { kind, part, name, scope, description, fields: [], origin: origin() };
}

function comparePair({ before, after }: Pair, scope: readonly string[]): readonly ConfigChange[] {
  const inner = compareParts(before.children, after.children, [...scope, ...scopeOf(after)]);
  if (isSame(before, after)) return inner;
  const { kind: part, name, origin } = after;
  const own = { kind: 'changed', part, name, scope, description: '', origin: origin() } as const;
  return [{ ...own, fields: fieldsOf(before, after) }, ...inner];
}

/** What goes without saying is left out. */
function scopeOf({ kind, name, isNameless }: ConfigPart): readonly string[] {
  const isTable = kind === 'route configuration' && !name.startsWith('of scope ');
  const isPlain = isTable || (isNameless && name === FIRST_CHAIN);
  return isPlain ? [] : [`${kind} ${name}`];
}

function isSame(before: ConfigPart, after: ConfigPart): boolean {
  if (JSON.stringify(before.model.json) !== JSON.stringify(after.model.json)) return false;
  const isKnown = !before.model.isOpaque && !after.model.isOpaque;
  return isKnown || JSON.stringify(before.json) === JSON.stringify(after.json);
}

/** By Envoy's names; what differs for another reason (a file, the runtime) by the model's. */
function fieldsOf(before: ConfigPart, after: ConfigPart): readonly FieldDifference[] {
  const written = fieldDifferences(before.json, after.json);
  if (written.length > 0) return written;
  return fieldDifferences(before.model.json, after.model.json).map((difference) => ({
    ...difference,
    field: difference.field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  }));
}

interface Pairing {
  readonly pairs: readonly Pair[];
  readonly removed: readonly ConfigPart[];
}

/** By kind and key; then a single nameless one that is left on either side is the same, changed. */
function pairParts(before: readonly ConfigPart[], after: readonly ConfigPart[]): Pairing {
  const free = new Set(before);
  const known = new Map<string, ConfigPart[]>();
  for (const part of before) {
    const at = `${part.kind} ${part.key}`;
    known.set(at, [...(known.get(at) ?? []), part]);
  }
  const pairs: Pair[] = [];
  const added: ConfigPart[] = [];
  for (const part of after) {
    const partner = known.get(`${part.kind} ${part.key}`)?.shift();
    if (partner === undefined) added.push(part);
    else {
      free.delete(partner);
      pairs.push({ before: partner, after: part });
    }
  }
  const lonely = [...free].filter(({ isNameless }) => isNameless);
  const comers = added.filter(({ isNameless }) => isNameless);
  const [old, next] = [lonely[0], comers[0]];
  const isOne = lonely.length === 1 && comers.length === 1;
  if (!isOne || old === undefined || next === undefined || old.kind !== next.kind) {
    return { pairs, removed: [...free] };
  }
  free.delete(old);
  return {
    pairs: [...pairs, { before: old, after: next }],
    removed: [...free],
  };
}

/** Routes and HTTP filters work in order. */
function orderChanges(
  before: readonly ConfigPart[],
  after: readonly ConfigPart[],
  { pairs, scope }: { readonly pairs: readonly Pair[]; readonly scope: readonly string[] },
): readonly ConfigChange[] {
  const isOrdered = after.some(({ kind }) => kind === 'route' || kind === 'HTTP filter');
  if (!isOrdered) return [];
  return [...moves(before, after, { pairs, scope }), ...shadows(before, after, { pairs, scope })];
}

/** Each part that overtook another one which it may not overtake unnoticed. */
function moves(
  before: readonly ConfigPart[],
  after: readonly ConfigPart[],
  { pairs, scope }: { readonly pairs: readonly Pair[]; readonly scope: readonly string[] },
): readonly ConfigChange[] {
  const partners = new Map(pairs.map((pair) => [pair.after, pair]));
  const places = new Map(before.map((part, index) => [part, index]));
  const ordered = after.flatMap((part) => partners.get(part) ?? []);
  const placeOf = (pair: Pair): number => places.get(pair.before) ?? 0;
  // Nobody was overtaken where the order is as before: nearly always.
  if (ordered.every((pair, at) => at === 0 || placeOf(ordered[at - 1]!) < placeOf(pair))) return [];
  return ordered.flatMap((pair, index) => {
    const was = placeOf(pair);
    const overtaken = ordered
      .slice(index + 1)
      .filter((other) => placeOf(other) < was && dependOnOrder(pair, other));
    if (overtaken.length === 0) return [];
    const { kind: part, name, origin } = pair.after;
    const names = overtaken.map((other) => other.after.name).join(', ');
    const description = `now in front of ${names}`;
    const own = { part, name, scope, description, fields: [], origin: origin() };
    return [{ kind: 'moved', ...own } as const];
  });
}

function dependOnOrder(left: Pair, right: Pair): boolean {
  if (left.after.kind !== right.after.kind) return false;
  const [a, b] = [left.after.route, right.after.route];
  return a === null || b === null
    ? left.after.kind === 'HTTP filter'
    : mayOverlap(a.match, b.match);
}

/** Routes that nothing reaches any more, and those that something reaches again. */
function shadows(
  before: readonly ConfigPart[],
  after: readonly ConfigPart[],
  { pairs, scope }: { readonly pairs: readonly Pair[]; readonly scope: readonly string[] },
): readonly ConfigChange[] {
  const [old, next] = [shadowedParts(before), shadowedParts(after)];
  const partners = new Map(pairs.map((pair) => [pair.after, pair]));
  return after.flatMap((part): readonly ConfigChange[] => {
    const partner = partners.get(part)?.before;
    const was = partner === undefined ? undefined : old.get(partner);
    const is = next.get(part);
    if ((is === undefined) === (was === undefined)) return [];
    const { kind, name, origin } = part;
    const own = { part: kind, name, scope, fields: [], origin: origin() };
    if (is !== undefined && was === undefined) {
      const description = `no request reaches it: ${is.name} in front of it takes them all`;
      return [{ kind: 'shadowed', description, ...own }];
    }
    if (is === undefined && was !== undefined) {
      const description = `requests reach it now: ${was.name} took them all`;
      return [{ kind: 'reachable', description, ...own }];
    }
    return [];
  });
}

function shadowedParts(parts: readonly ConfigPart[]): ReadonlyMap<ConfigPart, ConfigPart> {
  const routed = parts.filter(({ route }) => route !== null);
  const routes = routed.flatMap(({ route }) => (route === null ? [] : [route]));
  return new Map(
    [...shadowedRoutes(routes)].map(([index, by]) => [
      routed[index] as ConfigPart,
      routed[by] as ConfigPart,
    ]),
  );
}

/** For programs. */
export interface DiffReport {
  readonly before: string;
  readonly after: string;
  readonly changes: readonly ConfigChange[];
}
