// What else holds for a request on its route: timeouts as they apply, and every policy that its
// author wrote at the route, or above it where the route has none.
import type { ForwardActionConfig, RouteActionConfig } from '../model/route.ts';
import { durationText } from './duration-text.ts';
import type { Setting } from './explanation.ts';
import { fieldOf, flowText, type Json } from './flow-text.ts';
import { type FieldLine, fieldValue } from './head-snapshot.ts';
import type { ManagerView, MatchedPaths } from './route-paths.ts';

/** What settings depend on. */
export interface SettingContext {
  readonly view: ManagerView;
  readonly paths: MatchedPaths;
  readonly action: RouteActionConfig;
  /** What the upstream gets; null: nothing was sent. */
  readonly sent: readonly FieldLine[] | null;
  /** Of the stream, ms; 0: none. */
  readonly idleTimeoutMs: number;
}

/** Told elsewhere: where the request goes, and its changes. */
const TOLD_ELSEWHERE: ReadonlySet<string> = new Set([
  'cluster',
  'cluster_header',
  'weighted_clusters',
  'timeout',
  'idle_timeout',
]);
/** Policies that a virtual host, or a table, has for routes without their own. */
const INHERITED = [
  'retry_policy',
  'hedge_policy',
  'request_mirror_policies',
  'rate_limits',
  'cors',
];
/** Members of a route that say how its requests are treated. */
const OF_ROUTE = ['per_request_buffer_limit_bytes', 'request_body_buffer_limit', 'decorator'];
const EXPECTED = 'x-envoy-expected-rq-timeout-ms';

/** In the order in which they are read: time limits first. */
export function explainSettings(context: SettingContext): readonly Setting[] {
  const { view, paths, action } = context;
  if (paths.route === '' || action.kind !== 'forward') return [];
  const path = `${paths.route}.route`;
  const json = view.json(path);
  const written = entriesOf(json)
    .filter(([name]) => !TOLD_ELSEWHERE.has(name))
    .map(([name, value]) => setting(view, path, name, value));
  const given = new Set(written.map(({ name }) => name));
  return [
    ...timeouts(context, action, json),
    ...written,
    ...inherited(context).filter(({ name }) => !given.has(name)),
  ];
}

function timeouts(
  { view, paths, sent, idleTimeoutMs }: SettingContext,
  action: ForwardActionConfig,
  json: Json | undefined,
): readonly Setting[] {
  const path = `${paths.route}.route`;
  const isSet = (field: string): boolean => fieldOf(json, field) !== undefined;
  const announced = Number(fieldValue(sent ?? [], EXPECTED) ?? action.timeoutMs);
  const own = announced === action.timeoutMs;
  const timeout: Setting = {
    name: 'timeout',
    value: durationText(announced) + (own ? '' : ', as the request asks for'),
    config: null,
    origin: isSet('timeout') ? view.origin(`${path}.timeout`) : null,
  };
  const isOwnIdle = isSet('idle_timeout');
  const ofManager = view.json(`${view.path}.stream_idle_timeout`) !== undefined;
  const managerOrigin = ofManager ? view.origin(`${view.path}.stream_idle_timeout`) : null;
  const idle: Setting = {
    name: 'idle timeout',
    value: durationText(idleTimeoutMs),
    config: null,
    origin: isOwnIdle ? view.origin(`${path}.idle_timeout`) : managerOrigin,
  };
  return [timeout, idle];
}

function inherited({ view, paths }: SettingContext): readonly Setting[] {
  const own = OF_ROUTE.flatMap((name) => settingAt(view, paths.route, name));
  const above = INHERITED.flatMap((name) => {
    const [nearest] = [paths.virtualHost, paths.table].flatMap((path) =>
      settingAt(view, path, name),
    );
    return nearest === undefined ? [] : [nearest];
  });
  return [...own, ...above];
}

function settingAt(view: ManagerView, path: string, name: string): readonly Setting[] {
  const value = fieldOf(view.json(path), name);
  return value === undefined ? [] : [setting(view, path, name, value)];
}

function setting(view: ManagerView, path: string, name: string, value: Json): Setting {
  return { name, value: flowText(value), config: value, origin: view.origin(`${path}.${name}`) };
}

function entriesOf(json: Json | undefined): readonly (readonly [string, Json])[] {
  return json === undefined || json === null || typeof json !== 'object'
    ? []
    : (Object.entries(json) as readonly (readonly [string, Json])[]);
}
