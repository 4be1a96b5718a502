// Which TLS a proxy uses towards its clusters, what the servers there demand, and whether the two can
// talk to each other.

import type { SanMatcherConfig } from '../../model/secret.ts';
import { matchesNames } from '../../tls/match-names.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { ChainVerifier, type PeerRole } from '../../x509/verify-chain.ts';
import type { Json } from '../flow-text.ts';
import type { AuthnSource } from './authn-source.ts';
import { at, isSet, listAt, numberAt, textAt } from './fields.ts';
import {
  chainFor,
  findServer,
  listenerName,
  type ServerPlace,
  type TakingChain,
} from './server-demand.ts';
import { readSide, type TlsSide } from './tls-side.ts';

/** Endpoints of a cluster that are treated alike. */
export interface AuthnRow {
  readonly cluster: string;
  /** `address:port` of each; empty: none is known. */
  readonly endpoints: readonly string[];
  /** Name of the transport_socket_match; '' : the cluster's own transport socket. */
  readonly match: string;
  readonly client: ClientUse;
  readonly server: ServerDemand;
  readonly status: 'OK' | 'CONFLICT' | 'UNKNOWN';
  /** Why they can't talk, or why nobody knows; '' : they can. */
  readonly reason: string;
}

/** What the client does. */
export interface ClientUse {
  readonly mode: 'DISABLE' | 'SIMPLE' | 'MUTUAL' | 'UNKNOWN';
  readonly identity: string;
  readonly sni: string;
  readonly alpn: readonly string[];
  /** `uri exact spiffe://…` */
  readonly sans: readonly string[];
  /** False: it talks to whoever answers. */
  readonly verifiesServer: boolean;
}

/** What the server demands. */
export interface ServerDemand {
  readonly mode: 'PLAINTEXT' | 'TLS' | 'MTLS' | 'PERMISSIVE' | 'CLOSED' | 'UNKNOWN';
  /** Where that stands: file and listener. */
  readonly place: string;
  readonly filterChain: string;
}

/** What is compared. */
export interface AuthnQuestion {
  readonly client: AuthnSource;
  /** Further proxies, behind whose listeners endpoints may be. */
  readonly servers: readonly AuthnSource[];
  readonly nowMs: number;
}

const MAX_INTERMEDIATES = 99;
const NOBODY: ServerDemand = Object.freeze({ mode: 'UNKNOWN', place: '', filterChain: '' });

/** A row for each cluster and kind of endpoint, in the configuration's order. */
export function checkAuthn(question: AuthnQuestion): readonly AuthnRow[] {
  return question.client.clusters.flatMap((cluster) => rowsOf(cluster, question));
}

function rowsOf(cluster: Json, question: AuthnQuestion): readonly AuthnRow[] {
  const rows = new Map<string, AuthnRow>();
  const endpoints = endpointsOf(cluster, question.client);
  for (const endpoint of endpoints.length === 0 ? [null] : endpoints) {
    const row = rowOf(cluster, endpoint, question);
    const { endpoints: own, ...rest } = row;
    const key = JSON.stringify(rest);
    const known = rows.get(key);
    rows.set(
      key,
      known === undefined ? row : { ...known, endpoints: [...known.endpoints, ...own] },
    );
  }
  return [...rows.values()];
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly hostname: string;
  readonly labels: Json | undefined;
}

function endpointsOf(cluster: Json, source: AuthnSource): readonly Endpoint[] {
  const name = textAt(cluster, 'eds_cluster_config', 'service_name') || textAt(cluster, 'name');
  const assignment = at(cluster, 'load_assignment') ?? source.assignments.get(name);
  return listAt(assignment, 'endpoints').flatMap((locality) =>
    listAt(locality, 'lb_endpoints').map((one) => ({
      address: textAt(one, 'endpoint', 'address', 'socket_address', 'address'),
      port: numberAt(one, 'endpoint', 'address', 'socket_address', 'port_value'),
      hostname: textAt(one, 'endpoint', 'hostname'),
      labels: at(one, 'metadata', 'filter_metadata', 'envoy.transport_socket_match'),
    })),
  );
}

function rowOf(cluster: Json, endpoint: Endpoint | null, question: AuthnQuestion): AuthnRow {
  const { client, servers } = question;
  const chosen = socketFor(cluster, endpoint);
  const side = readSide(chosen.socket, client);
  const sni = serverNameOf(chosen.socket, endpoint, side);
  const use: ClientUse = {
    mode: modeOf(side),
    identity: side.identity,
    sni,
    alpn: side.protocols,
    sans: side.names.map(nameText),
    verifiesServer: side.verifies,
  };
  const sources = [
    ...servers.map((source) => ({ source, isOwn: false })),
    { source: client, isOwn: true },
  ];
  const place = endpoint === null ? null : findServer(sources, endpoint.address, endpoint.port);
  const common = {
    cluster: textAt(cluster, 'name'),
    endpoints: endpoint === null ? [] : [`${endpoint.address}:${endpoint.port}`],
    match: chosen.match,
    client: use,
  };
  if (place === null) {
    return { ...common, server: NOBODY, status: 'UNKNOWN', reason: noServerText(endpoint) };
  }
  const traits = { isTls: side.kind === 'tls', serverName: sni, protocols: side.protocols };
  const chain = chainFor(place, traits);
  const verdict = verdictOn({ side, chain, nowMs: question.nowMs });
  return { ...common, server: demandOf(place, chain, traits), ...verdict };
}

function noServerText(endpoint: Endpoint | null): string {
  if (endpoint === null) return 'no endpoint is known';
  return 'what listens there is in none of the configurations (--server FILE)';
}

/** Cluster.transport_socket_matches: the first whose labels the endpoint has. */
function socketFor(cluster: Json, endpoint: Endpoint | null) {
  for (const one of listAt(cluster, 'transport_socket_matches')) {
    const wanted = Object.entries((at(one, 'match') ?? {}) as Readonly<Record<string, Json>>);
    const fits = wanted.every(
      ([name, value]) => JSON.stringify(at(endpoint?.labels, name)) === JSON.stringify(value),
    );
    if (fits) return { match: textAt(one, 'name'), socket: at(one, 'transport_socket') };
  }
  return { match: '', socket: at(cluster, 'transport_socket') };
}

function serverNameOf(socket: Json | undefined, endpoint: Endpoint | null, side: TlsSide): string {
  const usesHost = isSet(socket, 'typed_config', 'auto_host_sni');
  const hostname = endpoint?.hostname ?? '';
  return usesHost && hostname !== '' ? hostname : side.serverName;
}

function modeOf(side: TlsSide): ClientUse['mode'] {
  if (side.kind === 'other') return 'UNKNOWN';
  if (side.kind === 'clear') return 'DISABLE';
  return side.hasCertificate ? 'MUTUAL' : 'SIMPLE';
}

/** By the chains that this client would get with TLS and without. */
function demandOf(
  place: ServerPlace,
  chain: TakingChain | null,
  traits: {
    readonly isTls: boolean;
    readonly serverName: string;
    readonly protocols: readonly string[];
  },
): ServerDemand {
  const clear = chainFor(place, { isTls: false, serverName: '', protocols: [] });
  const secure = chainFor(place, { ...traits, isTls: true });
  const takesClear = clear?.side.kind === 'clear';
  const tls = secure?.side.kind === 'tls' ? secure.side : null;
  const where = `${place.source.name} ${listenerName(place.listener)}`;
  return { mode: demandMode(takesClear, tls), place: where, filterChain: chain?.name ?? '' };
}

function demandMode(takesClear: boolean, tls: TlsSide | null): ServerDemand['mode'] {
  if (tls === null) return takesClear ? 'PLAINTEXT' : 'CLOSED';
  if (takesClear) return 'PERMISSIVE';
  return tls.requiresCertificate ? 'MTLS' : 'TLS';
}

interface Meeting {
  readonly side: TlsSide;
  readonly chain: TakingChain | null;
  readonly nowMs: number;
}

function verdictOn(meeting: Meeting): Pick<AuthnRow, 'status' | 'reason'> {
  const { side, chain } = meeting;
  if (side.kind === 'other') return unknown(`transport socket ${side.typeName} is not known`);
  if (chain === null) return conflict('no filter chain takes such a connection: it is closed');
  const server = chain.side;
  if (server.kind === 'other') return unknown(`transport socket ${server.typeName} is not known`);
  if (side.kind === 'clear') {
    if (server.kind === 'clear') return { status: 'OK', reason: '' };
    return conflict('the client speaks clear text, the server demands TLS');
  }
  if (server.kind === 'clear') {
    if (chain.passesThrough) return unknown('TLS passes through: it ends somewhere behind');
    return conflict('the client speaks TLS, the server expects clear text');
  }
  const reason = tlsFault(meeting, server);
  return reason === null ? { status: 'OK', reason: '' } : conflict(reason);
}

/** Why two that both speak TLS do not come to terms; null: they do, as far as is known. */
function tlsFault({ side, nowMs }: Meeting, server: TlsSide): string | null {
  if (side.maxVersion < server.minVersion || server.maxVersion < side.minVersion) {
    return 'no version of TLS is common to both';
  }
  if (server.requiresCertificate && !side.hasCertificate) {
    return 'the server demands a client certificate, the client has none';
  }
  const ofServer = peerFault(side, server, { role: 'server', nowMs });
  if (ofServer !== null) return `the client refuses the server's certificate: ${ofServer}`;
  if (!side.hasCertificate) return null;
  const ofClient = peerFault(server, side, { role: 'client', nowMs });
  return ofClient === null ? null : `the server refuses the client's certificate: ${ofClient}`;
}

/** What `judge` has against the certificate of `peer`; null: nothing, or it is not known here. */
function peerFault(
  judge: TlsSide,
  peer: TlsSide,
  as: { readonly role: PeerRole; readonly nowMs: number },
): string | null {
  const { chain } = peer;
  const leaf = chain?.[0];
  if (chain === null || leaf === undefined) return null;
  if (judge.trusted !== null) {
    const error = chainFault(judge.trusted, chain, as);
    if (error !== null) return error;
  }
  if (judge.names.length === 0 || matchesNames(leaf, judge.names)) return null;
  const own = leaf.subjectAltNames.map(({ value }) => value).join(', ') || 'nobody';
  return `it is for ${own}, expected is ${judge.names.map(nameText).join(' or ')}`;
}

function chainFault(
  trusted: readonly Certificate[],
  chain: readonly Certificate[],
  { role, nowMs }: { readonly role: PeerRole; readonly nowMs: number },
): string | null {
  const rules = { trusted, revocationLists: [], onlyLeafCrl: false, allowsExpired: false };
  const verifier = new ChainVerifier({ ...rules, maxIntermediates: MAX_INTERMEDIATES, role });
  return verifier.verify(chain, nowMs)?.text ?? null;
}

function nameText({ kind, match }: SanMatcherConfig): string {
  return match.kind === 'exact' ? `${kind} ${match.text}` : `${kind} ${match.kind} ${match.text}`;
}

function conflict(reason: string): Pick<AuthnRow, 'status' | 'reason'> {
  return { status: 'CONFLICT', reason };
}

function unknown(reason: string): Pick<AuthnRow, 'status' | 'reason'> {
  return { status: 'UNKNOWN', reason };
}
