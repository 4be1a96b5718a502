// Who changes which field of a request or response: what the data path did to the heads between two
// of its stations, with the part of the configuration that asks for it.
import type { Origin } from './configuration.ts';
import type { ExplainedChange, ExplainedFilter } from './explanation.ts';
import { fieldOf, isList, type Json } from './flow-text.ts';
import { type FieldChange, type FieldLine, fieldChanges } from './head-snapshot.ts';
import type { ManagerView, MatchedPaths } from './route-paths.ts';
import type { Observation } from './watched-stream.ts';

/** One exchange and its configuration. */
export interface ChangeContext {
  readonly view: ManagerView;
  readonly paths: MatchedPaths;
  readonly seen: Observation;
  /** Those that run, in order, without the terminal one. */
  readonly filters: readonly ExplainedFilter[];
}

type Direction = 'request' | 'response';

const MANAGER = 'connection manager';
const ROUTER = 'router';
/** Fields of a route's action that change a host or a path, the later ones with what they add. */
const REWRITES: readonly {
  readonly names: readonly string[];
  readonly fields: readonly string[];
}[] = [
  {
    names: [':authority', 'x-envoy-original-host', 'x-forwarded-host'],
    fields: [
      'host_rewrite_literal',
      'auto_host_rewrite',
      'host_rewrite_header',
      'host_rewrite_path_regex',
      'host_rewrite',
      'append_x_forwarded_host',
    ],
  },
  {
    names: [':path', 'x-envoy-original-path'],
    fields: ['prefix_rewrite', 'regex_rewrite', 'path_rewrite_policy', 'path_rewrite'],
  },
];

/** From the client to the upstream; `sent` is what the upstream gets, null: nothing was sent. */
export function requestChanges(
  context: ChangeContext,
  sent: readonly FieldLine[] | null,
): readonly ExplainedChange[] {
  const { seen } = context;
  // HTTP/1.1 names no scheme: that it gets one is no change.
  const matched = seen.lookups[seen.firstLookup]?.fields ?? null;
  const routed = sent === null ? [] : between(seen.routed, sent);
  return [
    ...between(seen.received, matched)
      .filter(({ name, kind }) => name !== ':scheme' || kind !== 'added')
      .map((change) => byNobody(change, MANAGER)),
    ...ofFilters(context, 'request'),
    ...routed.map((change) => byRoute(change, context, 'request')),
  ];
}

/** From the upstream, or from whoever answered, to the client. */
export function responseChanges(
  context: ChangeContext,
  answer: readonly FieldLine[] | null,
): readonly ExplainedChange[] {
  const { seen } = context;
  return [
    ...between(answer, seen.answered).map((change) => byRoute(change, context, 'response')),
    ...ofFilters(context, 'response'),
    ...between(seen.filtered, seen.response).map((change) => byNobody(change, MANAGER)),
  ];
}

function between(
  before: readonly FieldLine[] | null,
  after: readonly FieldLine[] | null,
): readonly FieldChange[] {
  return before === null || after === null ? [] : fieldChanges(before, after);
}

function byNobody(change: FieldChange, by: string): ExplainedChange {
  return { ...change, by, origin: null };
}

function ofFilters({ seen, filters }: ChangeContext, direction: Direction): ExplainedChange[] {
  const changes = seen.filters.map((filter, index) => {
    const by = filters[index];
    const who = { by: `filter ${by?.name ?? ''}`, origin: by?.routeOrigin ?? by?.origin ?? null };
    return filter[direction].map((change) => ({ ...change, ...who }));
  });
  return (direction === 'request' ? changes : changes.reverse()).flat();
}

function byRoute(
  change: FieldChange,
  { view, paths }: ChangeContext,
  direction: Direction,
): ExplainedChange {
  const levels: readonly (readonly [name: string, path: string])[] = [
    ['weighted cluster', paths.weighted],
    ['route', paths.route],
    ['virtual host', paths.virtualHost],
    ['route configuration', paths.table],
  ];
  for (const [by, path] of levels) {
    const origin = path === '' ? null : mutationOrigin(change.name, { view, path }, direction);
    if (origin !== null) return { ...change, by, origin };
  }
  const rewrite = direction === 'request' ? rewriteOrigin(change.name, view, paths) : null;
  return rewrite === null ? byNobody(change, ROUTER) : { ...change, by: 'route', origin: rewrite };
}

/** The header work of one level that names a field. */
function mutationOrigin(
  name: string,
  level: { readonly view: ManagerView; readonly path: string },
  direction: Direction,
): Origin | null {
  const { view, path } = level;
  const json = view.json(path);
  const toAdd = `${direction}_headers_to_add`;
  const added = items(fieldOf(json, toAdd)).findIndex((option) =>
    isNamed(fieldOf(fieldOf(option, 'header'), 'key'), name),
  );
  if (added >= 0) return view.origin(`${path}.${toAdd}[${added}]`);
  const toRemove = `${direction}_headers_to_remove`;
  const removed = items(fieldOf(json, toRemove)).findIndex((option) => isNamed(option, name));
  return removed < 0 ? null : view.origin(`${path}.${toRemove}[${removed}]`);
}

function rewriteOrigin(name: string, view: ManagerView, paths: MatchedPaths): Origin | null {
  const rewrite = REWRITES.find(({ names }) => names.includes(name));
  for (const path of [paths.weighted, `${paths.route}.route`]) {
    const json = path === '' ? undefined : view.json(path);
    const field = rewrite?.fields.find((candidate) => fieldOf(json, candidate) !== undefined);
    if (field !== undefined) return view.origin(`${path}.${field}`);
  }
  return null;
}

function isNamed(key: Json | undefined, name: string): boolean {
  return typeof key === 'string' && key.toLowerCase() === name;
}

function items(list: Json | undefined): readonly Json[] {
  return list !== undefined && list !== null && typeof list === 'object' && isList(list)
    ? list
    : [];
}
