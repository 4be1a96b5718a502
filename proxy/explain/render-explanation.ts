// An explanation as text: the outcome first, then the way to it from the listener to the host.
import { percentText } from './duration-text.ts';
import type {
  ExplainedChange,
  ExplainedCluster,
  ExplainedFilter,
  ExplainedHost,
  ExplainedHttp,
  Explanation,
  Outcome,
  Part,
  Setting,
  TriedPart,
  WeightedShare,
} from './explanation.ts';
import { isRouted } from './explanation.ts';
import { TextLayout, type TextOptions } from './text-layout.ts';

const LABEL = 15;
const MAX_BODY = 200;

/** Ends with a line break. */
export function renderExplanation(explanation: Explanation, options: TextOptions): string {
  const out = new TextLayout();
  const { request, outcome, http, notes } = explanation;
  out.heading(`${request.method} ${request.url}`);
  out.marked(isRouted(outcome) ? 'good' : 'bad', outcome.summary);
  answer(out, outcome);
  out.blank();
  connection(out, explanation);
  if (http !== null) manager(out, http);
  if (notes.length > 0) {
    out.blank();
    for (const note of notes) out.marked('note', note);
  }
  return out.render(options);
}

function answer(out: TextLayout, { body }: Outcome): void {
  if (body === '') return;
  const text = body.length > MAX_BODY ? `${body.slice(0, MAX_BODY)}…` : body;
  out.line(2, `body: ${JSON.stringify(text)}`);
}

function connection(out: TextLayout, explanation: Explanation): void {
  const { listener, otherListeners, triedChains } = explanation;
  if (listener === null) {
    const names = otherListeners.length === 0 ? 'none' : otherListeners.join(', ');
    out.line(0, `${label('listeners')}${names}`);
    return;
  }
  out.line(0, `${label('listener')}${listener.name}, ${listener.address}`, listener.origin);
  if (otherListeners.length > 0) {
    out.line(0, `${label('')}so do ${otherListeners.join(', ')}: choose with --listener`);
  }
  const isPlain = triedChains.length === 1 && triedChains[0]?.mismatch === null;
  const [chain] = triedChains;
  if (isPlain && chain !== undefined) named(out, 'filter chain', chain);
  else triedParts(out, 'filter chains', triedChains);
}

function manager(out: TextLayout, http: ExplainedHttp): void {
  const { virtualHost, tried } = http;
  if (http.routeConfig.name !== '') named(out, 'route config', http.routeConfig);
  if (virtualHost !== null) {
    const text = `${virtualHost.name}, domain ${virtualHost.domain}`;
    out.line(0, `${label('virtual host')}${text}`, virtualHost.origin);
  }
  triedParts(out, 'routes', tried);
  if (http.route !== null) weights(out, http.weights);
  if (http.cluster !== null) cluster(out, http.cluster);
  for (const mirror of http.mirrors) named(out, 'mirrored to', mirror);
  settings(out, 'policies', http.settings);
  filters(out, http.filters);
  if (http.upstreamRequest !== null) {
    changes(out, 'request, on its way to the upstream', http.requestChanges);
  }
  changes(out, 'response, on its way to the client', http.responseChanges);
}

function label(text: string): string {
  return text.padEnd(LABEL);
}

function named(out: TextLayout, text: string, part: Part): void {
  out.line(0, `${label(text)}${part.name}`, part.origin);
}

function triedParts(out: TextLayout, title: string, tried: readonly TriedPart[]): void {
  if (tried.length === 0) return;
  out.heading(title);
  for (const { name, condition, mismatch, origin } of tried) {
    const shown = condition === '' ? name : `${name}  ${condition}`;
    out.marked(mismatch === null ? 'good' : 'bad', shown, origin);
    if (mismatch !== null) out.line(3, mismatch);
  }
}

function weights(out: TextLayout, shares: readonly WeightedShare[]): void {
  if (shares.length === 0) return;
  out.heading('weighted clusters');
  for (const { name, percent, weight, isChosen, origin } of shares) {
    const text = `${name}  ${percentText(percent)} (weight ${weight})`;
    out.marked(isChosen ? 'good' : 'off', text, origin);
  }
}

function cluster(out: TextLayout, { name, origin, settings: rows, hosts }: ExplainedCluster): void {
  out.heading(`cluster ${name}`, origin);
  for (const row of rows) setting(out, row);
  if (hosts.length === 0) out.line(1, 'no hosts');
  for (const host of hosts) {
    out.marked(host.health === 'unhealthy' ? 'bad' : 'good', hostText(host), host.origin);
  }
}

function hostText(host: ExplainedHost): string {
  const { address, hostname, health, share, weight, priority, locality } = host;
  const parts = [
    hostname === '' ? address : `${address} (${hostname})`,
    health,
    ...(share === null ? [] : [percentText(share)]),
    ...(weight === 1 ? [] : [`weight ${weight}`]),
    ...(priority === 0 ? [] : [`priority ${priority}`]),
    ...(locality === '' ? [] : [locality]),
  ];
  return parts.join(', ');
}

function settings(out: TextLayout, title: string, rows: readonly Setting[]): void {
  if (rows.length === 0) return;
  out.heading(title);
  for (const row of rows) setting(out, row);
}

function setting(out: TextLayout, { name, value, origin }: Setting): void {
  const isDefault = origin === null ? ' (default)' : '';
  out.line(1, `${name}: ${value}${isDefault}`, origin);
}

function filters(out: TextLayout, all: readonly ExplainedFilter[]): void {
  if (all.length === 0) return;
  out.heading('HTTP filters');
  for (const { name, runs, note, origin, routeOrigin } of all) {
    const text = note === '' ? name : `${name}, ${note}`;
    out.marked(runs ? 'good' : 'off', text, routeOrigin ?? origin);
  }
}

function changes(out: TextLayout, title: string, all: readonly ExplainedChange[]): void {
  if (all.length === 0) return;
  out.heading(title);
  for (const change of all) out.marked(change.kind, changeText(change), change.origin);
}

/** Values that are new with every request. */
const FRESH_VALUES: Readonly<Record<string, string>> = {
  date: '(now)',
  'x-request-id': '(a new one)',
  'x-envoy-upstream-service-time': '(ms)',
};

function changeText({ name, kind, before, after, by, origin }: ExplainedChange): string {
  const old = before.join(', ');
  const next = (origin === null ? FRESH_VALUES[name] : undefined) ?? after.join(', ');
  if (kind === 'added') return `${name}: ${next}  (${by})`;
  if (kind === 'removed') return `${name}: ${old}  (${by})`;
  return `${name}: ${old} → ${next}  (${by})`;
}
