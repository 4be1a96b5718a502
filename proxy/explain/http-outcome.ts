// How a request ends, from what its run left behind.
import type { DryRun } from './dry-proxy.ts';
import { actionOf, mainRequest } from './explain-http.ts';
import type { ExplainedFilter, Outcome, OutcomeKind } from './explanation.ts';
import { fieldValue } from './head-snapshot.ts';

/** Reads a run. */
export function httpOutcome(run: DryRun, filters: readonly ExplainedFilter[]): Outcome {
  const { seen, stream } = run;
  const kind = kindOf(run);
  const status = fieldValue(seen.response ?? [], ':status');
  const location = fieldValue(seen.response ?? [], 'location');
  const isOwn = kind !== 'forwarded' && kind !== 'held';
  const known = {
    status: isOwn && status !== null ? Number(status) : null,
    location: isOwn ? location : null,
    body: isOwn ? seen.body : '',
    details: isOwn ? stream.info.responseCodeDetails : '',
  };
  const asked = run.seen.filters.findLastIndex(({ wasAsked }) => wasAsked);
  const filter = filters.filter(({ runs }) => runs)[asked]?.name ?? '';
  return { kind, summary: summaryOf(kind, run, { ...known, filter }), ...known };
}

function kindOf(run: DryRun): OutcomeKind {
  const { seen, stream } = run;
  const lookup = seen.lookups.at(-1) ?? null;
  const { responseCodeDetails: details } = stream.info;
  if (lookup === null) return 'refused';
  if (mainRequest(run) !== null) return 'forwarded';
  if (lookup.trace.lookup.kind === 'tls-required') return 'tls-required';
  if (seen.routed === null) return routeless(run);
  if (lookup.route === null && details === 'route_not_found') {
    return lookup.trace.virtualHost === null ? 'no-virtual-host' : 'no-route';
  }
  if (details === 'no_healthy_upstream') return 'no-host';
  if (details === 'cluster_not_found') return 'no-cluster';
  const action = actionOf(lookup);
  if (action?.kind === 'redirect') return 'redirected';
  return action?.kind === 'direct-response' ? 'answered' : unanswered(run);
}

/** The terminal filter never saw it. */
function routeless(run: DryRun): OutcomeKind {
  const { seen } = run;
  const lookup = seen.lookups.at(-1);
  if (seen.response === null) return 'held';
  if (seen.filters.some(({ wasAsked }) => wasAsked)) return 'filter-answered';
  if (lookup !== undefined && lookup.route !== null) return 'refused';
  return lookup?.trace.virtualHost === null ? 'no-virtual-host' : 'no-route';
}

function unanswered({ seen }: DryRun): OutcomeKind {
  return seen.response === null ? 'held' : 'refused';
}

function summaryOf(
  kind: OutcomeKind,
  run: DryRun,
  known: Pick<Outcome, 'status' | 'location' | 'details'> & { readonly filter: string },
): string {
  const { seen, stream } = run;
  const { status, location, details, filter } = known;
  const head = seen.lookups.at(-1)?.fields ?? seen.received ?? [];
  const authority = fieldValue(head, ':authority') ?? '';
  switch (kind) {
    case 'forwarded':
      return forwardedText(run);
    case 'redirected':
      return `redirected with ${status} to ${location}`;
    case 'tls-required':
      return `redirected with ${status} to ${location}: the virtual host requires TLS (require_tls)`;
    case 'answered':
      return `answered with ${status} by the route`;
    case 'filter-answered':
      return `answered with ${status} by the filter ${filter}: ${details}`;
    case 'held':
      return `held back by the filter ${filter}, which waits for something else`;
    case 'no-host':
      return `answered with ${status}: cluster ${stream.info.clusterName} has no usable host`;
    case 'no-cluster':
      return `answered with ${status}: there is no such cluster`;
    case 'no-virtual-host':
      return `answered with ${status}: no virtual host has the domain '${authority}'`;
    case 'no-route':
      return `answered with ${status}: no route of the virtual host matches`;
    default:
      return `refused with ${status}: ${details}`;
  }
}

function forwardedText(run: DryRun): string {
  const main = mainRequest(run);
  const shown = main === null ? '' : `cluster ${main.cluster}, host ${main.host.address.text}`;
  const attempts = run.stream.info.attemptCount;
  const retried = attempts > 1 ? ` after ${attempts} attempts` : '';
  return `forwarded to ${shown} by ${main?.protocol === 'tcp' ? 'plain TCP' : (main?.protocol ?? '')}${retried}`;
}
