// What the HTTP connection manager of a chain does with a request: one run of its data path, read.
import type { RouteActionConfig } from '../model/route.ts';
import type { RouteTrace } from '../routing/route-table.ts';
import type { DryRun } from './dry-proxy.ts';
import type { SentRequest } from './dry-upstream.ts';
import { percentOf } from './duration-text.ts';
import { requestChanges, responseChanges } from './explain-changes.ts';
import { explainFilters } from './explain-filters.ts';
import { explainSettings } from './explain-settings.ts';
import type {
  ExplainedCluster,
  ExplainedHttp,
  Part,
  TriedPart,
  WeightedShare,
} from './explanation.ts';
import { fieldOf, flowText, membersText } from './flow-text.ts';
import { type FieldLine, fieldValue } from './head-snapshot.ts';
import type { ManagerView, MatchedPaths } from './route-paths.ts';
import type { SeenLookup } from './watched-stream.ts';

/** One run, read with the configuration it ran on. */
export interface HttpReading {
  readonly view: ManagerView;
  readonly run: DryRun;
  explainCluster(name: string): ExplainedCluster | null;
}

const ACTIONS = ['route', 'redirect', 'direct_response', 'non_forwarding_action', 'filter_action'];

/** Everything but the outcome. */
export function explainHttp(reading: HttpReading): ExplainedHttp {
  const { view, run } = reading;
  const { seen } = run;
  // A filter may have had the route looked for again: what counts is the last one.
  const lookup = seen.lookups.at(-1) ?? null;
  const trace = lookup?.trace ?? null;
  const paths = matchedPaths(view, lookup);
  const table = view.table(trace);
  const tried = trace === null ? [] : triedRoutes(view, trace);
  // What the connection manager answers itself comes to no filter.
  const isFiltered = run.stream.terminal !== null;
  const filters = isFiltered ? explainFilters(view, paths, lookup) : [];
  const main = mainRequest(run);
  const context = { view, paths, seen, filters: filters.filter(({ runs }) => runs).slice(0, -1) };
  const action = actionOf(lookup);
  const head = lookup?.fields ?? seen.received ?? [];
  return {
    manager: { name: view.config.statPrefix, origin: view.origin(view.path) },
    routeConfig: { name: tableName(table.table.name, trace), origin: view.origin(table.path) },
    authority: fieldValue(head, ':authority') ?? '',
    path: fieldValue(head, ':path') ?? '',
    virtualHost: virtualHostPart(view, trace),
    tried,
    route: routePart(view, paths, tried),
    weights: weightShares(view, paths, lookup),
    settings:
      action === null
        ? []
        : explainSettings({
            ...{ view, paths, action },
            sent: main?.fields ?? null,
            idleTimeoutMs: run.stream.idleTimeoutMs,
          }),
    filters,
    requestChanges: requestChanges(context, main?.fields ?? null),
    responseChanges: responseChanges(context, main === null ? seen.answered : answerOf(run)),
    cluster: seen.routed === null ? null : reading.explainCluster(run.stream.info.clusterName),
    upstreamRequest: main?.fields ?? null,
    clientResponse: seen.response,
    mirrors: mirrorParts(run, main, reading),
  };
}

function tableName(name: string, trace: RouteTrace | null): string {
  const scope = trace?.scope ?? '';
  return scope === '' ? name : `${name}, scope ${scope}`;
}

function answerOf({ answer }: DryRun): readonly FieldLine[] {
  return [{ name: ':status', value: String(answer.status) }, ...answer.fields];
}

/** The request that answers the client: the last one that was sent to its cluster. */
export function mainRequest({ sent, stream }: DryRun): SentRequest | null {
  return sent.findLast(({ exchange }) => exchange === stream.info) ?? null;
}

/** The action of the route that was found; null: there is none. */
export function actionOf(lookup: SeenLookup | null): RouteActionConfig | null {
  return lookup?.route?.config.action ?? null;
}

function matchedPaths(view: ManagerView, lookup: SeenLookup | null): MatchedPaths {
  const trace = lookup?.trace ?? null;
  const last = trace?.tried.at(-1);
  const isFound = lookup !== null && lookup.route !== null && last?.mismatch === null;
  const route = isFound && trace !== null ? view.routePath(trace, last) : '';
  const drawn = lookup?.weightedIndex ?? -1;
  return {
    table: view.table(trace).path,
    virtualHost: trace === null ? '' : view.virtualHostPath(trace),
    route,
    weighted: drawn < 0 ? '' : `${route}.route.weighted_clusters.clusters[${drawn}]`,
  };
}

function virtualHostPart(
  view: ManagerView,
  trace: RouteTrace | null,
): ExplainedHttp['virtualHost'] {
  if (trace === null || trace.virtualHost === null) return null;
  const path = view.virtualHostPath(trace);
  const index = trace.virtualHost.domains.indexOf(trace.domain);
  const origin = view.origin(index < 0 ? path : `${path}.domains[${index}]`);
  return { name: trace.virtualHost.name, domain: trace.domain, origin };
}

function triedRoutes(view: ManagerView, trace: RouteTrace): readonly TriedPart[] {
  return trace.tried.map((tried) => {
    const { route, index, mismatch } = tried;
    const path = view.routePath(trace, tried);
    const match = view.json(`${path}.match`);
    const nameless = index < 0 ? 'in the matcher' : `#${index}`;
    return {
      name: route.name === '' ? nameless : route.name,
      origin: view.origin(path),
      condition: match === undefined ? '' : membersText(match),
      mismatch,
    };
  });
}

function routePart(
  view: ManagerView,
  paths: MatchedPaths,
  tried: readonly TriedPart[],
): ExplainedHttp['route'] {
  const last = tried.at(-1);
  if (paths.route === '' || last === undefined) return null;
  const json = view.json(paths.route);
  const kind = ACTIONS.find((name) => fieldOf(json, name) !== undefined) ?? '';
  const action = kind === '' ? '' : `${kind}: ${flowText(fieldOf(json, kind) ?? {})}`;
  return { name: last.name, origin: last.origin, action };
}

function weightShares(
  view: ManagerView,
  paths: MatchedPaths,
  lookup: SeenLookup | null,
): readonly WeightedShare[] {
  const action = lookup?.trace.tried.at(-1)?.route.action;
  if (lookup === null || lookup.weightedIndex < 0 || action?.kind !== 'forward') return [];
  const { cluster } = action;
  if (cluster.kind !== 'weighted') return [];
  return cluster.clusters.map(({ name, clusterHeader = '', weight }, index) => ({
    name: name === '' ? `named by ${clusterHeader}` : name,
    origin: view.origin(`${paths.route}.route.weighted_clusters.clusters[${index}]`),
    weight,
    percent: percentOf(weight, cluster.totalWeight),
    isChosen: index === lookup.weightedIndex,
  }));
}

function mirrorParts(run: DryRun, main: SentRequest | null, reading: HttpReading): readonly Part[] {
  const hops = run.seen.hops.map(({ exchange }) => exchange);
  const others = run.sent.filter(
    ({ exchange }) => exchange !== main?.exchange && !hops.includes(exchange),
  );
  return [...new Set(others.map(({ cluster }) => cluster))].flatMap((name) => {
    const found = reading.explainCluster(name);
    return found === null ? [] : [{ name, origin: found.origin }];
  });
}
