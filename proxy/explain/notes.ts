// Hints: what most likely surprises somebody who reads an explanation.

import { HeaderList } from '../http/header-list.ts';
import { RequestHead } from '../http/message.ts';
import type { InspectedConnection } from '../listener/connection-facts.ts';
import type { DownstreamTransportConfig } from '../model/transport-socket.ts';
import { portStart } from '../routing/authority.ts';
import type { DryRun } from './dry-proxy.ts';
import type { DryRequest } from './dry-request.ts';
import type { Outcome } from './explanation.ts';
import { fieldValue } from './head-snapshot.ts';
import type { ManagerView } from './route-paths.ts';
import { downstreamTlsText } from './transport-text.ts';

/** What hints are drawn from. */
export interface NoteFacts {
  readonly request: DryRequest;
  readonly view: ManagerView;
  readonly run: DryRun;
  readonly outcome: Outcome;
  readonly connection: InspectedConnection;
  /** Of the filter chain. */
  readonly transport: DownstreamTransportConfig;
}

const SLOW_MS = 1000;

/** In order of importance. */
export function notesOf(facts: NoteFacts): readonly string[] {
  return [
    hopNote(facts),
    portNote(facts),
    tlsNote(facts),
    chanceNote(facts),
    delayNote(facts),
  ].filter((note) => note !== '');
}

/** What is told is the way of the last request. */
function hopNote({ run }: NoteFacts): string {
  const clusters = run.seen.hops.map(({ cluster }) => cluster);
  if (clusters.length === 0) return '';
  return `redirects of ${clusters.join(', ')} are followed here (internal_redirect_policy): this is the way of the request behind them`;
}

/** The commonest reason for the wrong virtual host: Host carries a port that no domain has. */
function portNote({ view, run }: NoteFacts): string {
  const lookup = run.seen.lookups.at(-1);
  if (lookup === undefined || view.table(lookup.trace).table.ignorePortInHostMatching) return '';
  const authority = fieldValue(lookup.fields, ':authority') ?? '';
  const at = portStart(authority);
  if (at === -1) return '';
  const bare = authority.slice(0, at);
  const other = virtualHostOf(run, bare);
  if (other === null || other === lookup.trace.virtualHost?.name) return '';
  return `'${authority}' carries its port: without it virtual host ${other} would match '${bare}' (see ignore_port_in_host_matching and strip_any_host_port)`;
}

function virtualHostOf({ stream }: DryRun, authority: string): string | null {
  const target = { path: '/', authority, scheme: 'http' };
  const head = new RequestHead('HTTP/1.1', 'GET', target, HeaderList.empty());
  return stream.runtime.routeTable.trace(head, stream).virtualHost?.name ?? null;
}

function tlsNote({ request, connection, transport }: NoteFacts): string {
  if (transport.kind === 'tls') return `TLS ends here: ${downstreamTlsText(transport.tls)}`;
  if (request.scheme !== 'https') return '';
  if (connection.transportProtocol === 'tls') {
    return 'the client speaks TLS and this filter chain does not end it: what is told of HTTP holds for a client in clear text';
  }
  return "nothing here ends TLS: taken as a request in clear text; add -H 'x-forwarded-proto: https' for one whose TLS ended in front of the proxy";
}

function chanceNote({ request, run }: NoteFacts): string {
  const lookup = run.seen.lookups.at(-1);
  if (lookup === undefined || lookup.weightedIndex < 0) return '';
  return `the cluster was drawn with the random number ${request.random}: --random chooses another`;
}

function delayNote({ run }: NoteFacts): string {
  if (run.elapsedMs < SLOW_MS) return '';
  return `filters hold the request back for ${Math.round(run.elapsedMs / 100) / 10} s`;
}
