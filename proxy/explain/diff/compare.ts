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
  const { pairs, added, removed } = pairParts(before, after);
  return [
    ...after.flatMap((part) => {
      const pair = pairs.find((each) => each.after === part);
      if (pair !== undefined) return comparePair(pair, scope);
      return added.includes(part) ? [comesOrGoes('added', part, scope)] : [];
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
  return { kind, part, name, scope, description, fields: [], origin };
}

function comparePair({ before, after }: Pair, scope: readonly string[]): readonly ConfigChange[] {
  const inner = compareParts(before.children, after.children, [...scope, ...scopeOf(after)]);
  if (isSame(before, after)) return inner;
  const { kind: part, name, origin } = after;
  const own = { kind: 'changed', part, name, scope, description: '', origin } as const;
  return [{ ...own, fields: fieldsOf(before, after) }, ...inner];
}

/** What goes without saying is left out. */
function scopeOf({ kind, name, isNameless }: ConfigPart): readonly string[] {
  const isPlain = kind === 'route configuration' || (isNameless && name === FIRST_CHAIN);
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
  readonly added: readonly ConfigPart[];
  readonly removed: readonly ConfigPart[];
}

/** By kind and key; then a single nameless one that is left on either side is the same, changed. */
function pairParts(before: readonly ConfigPart[], after: readonly ConfigPart[]): Pairing {
  const free = new Set(before);
  const pairs: Pair[] = [];
  const added: ConfigPart[] = [];
  for (const part of after) {
    const partner = [...free].find(({ kind, key }) => kind === part.kind && key === part.key);
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
    return { pairs, added, removed: [...free] };
  }
  free.delete(old);
  return {
    pairs: [...pairs, { before: old, after: next }],
    added: added.filter((part) => part !== next),
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
  const ordered = after.flatMap((part) => pairs.find((pair) => pair.after === part) ?? []);
  return ordered.flatMap((pair, index) => {
    const was = before.indexOf(pair.before);
    const overtaken = ordered
      .slice(index + 1)
      .filter((other) => before.indexOf(other.before) < was && dependOnOrder(pair, other));
    if (overtaken.length === 0) return [];
    const { kind: part, name, origin } = pair.after;
    const names = overtaken.map((other) => other.after.name).join(', ');
    const description = `now in front of ${names}`;
    return [{ kind: 'moved', part, name, scope, description, fields: [], origin } as const];
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
  return after.flatMap((part): readonly ConfigChange[] => {
    const partner = pairs.find((pair) => pair.after === part)?.before;
    const was = partner === undefined ? undefined : old.get(partner);
    const is = next.get(part);
    const { kind, name, origin } = part;
    const own = { part: kind, name, scope, fields: [], origin };
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
