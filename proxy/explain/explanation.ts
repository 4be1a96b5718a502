// What is told about a request: plain values, printed as text for people and as JSON for programs.
import type { Origin } from './configuration.ts';
import type { Json } from './flow-text.ts';
import type { FieldChange, FieldLine } from './head-snapshot.ts';

/**
 * How it ends.
 * - `forwarded`: to a host of a cluster; `tcp`: as octets. `redirected`, `answered`: by the route.
 * - `filter-answered`: an HTTP filter answered. `held`: one waits for something that never comes.
 * - `no-cluster`, `no-host`: the route leads nowhere. `refused`: by the connection manager.
 * - `tls-required`: redirected by require_tls. `no-route`, `no-virtual-host`: nothing matched.
 * - `no-filter-chain`, `no-listener`: nobody takes the connection. `not-http`: no HTTP is spoken.
 */
export const OUTCOME_KINDS = [
  'forwarded',
  'tcp',
  'redirected',
  'answered',
  'filter-answered',
  'held',
  'no-cluster',
  'no-host',
  'refused',
  'tls-required',
  'no-route',
  'no-virtual-host',
  'no-filter-chain',
  'no-listener',
  'not-http',
] as const;

/** One of OUTCOME_KINDS. */
export type OutcomeKind = (typeof OUTCOME_KINDS)[number];

/** The end of it. */
export interface Outcome {
  readonly kind: OutcomeKind;
  /** One line. */
  readonly summary: string;
  /** What the client gets; null: no HTTP response, or the upstream's. */
  readonly status: number | null;
  readonly location: string | null;
  readonly body: string;
  /** Envoy's response code details; '' for none. */
  readonly details: string;
}

/** A named part of the configuration. */
export interface Part {
  readonly name: string;
  readonly origin: Origin;
}

/** Something that was looked at and not taken. */
export interface TriedPart extends Part {
  /** Its condition as configured, in one line. */
  readonly condition: string;
  /** Its first condition that failed; null: it was taken. */
  readonly mismatch: string | null;
}

/** A setting that holds for the request. */
export interface Setting {
  readonly name: string;
  readonly value: string;
  /** As it was written, in ProtoJSON; null: the default, or something computed. */
  readonly config: Json | null;
  /** null: the default. */
  readonly origin: Origin | null;
}

/** A change of a field, and who makes it. */
export interface ExplainedChange extends FieldChange {
  /** `route`, `virtual host`, `filter cors`, `connection manager` … */
  readonly by: string;
  /** Where it is configured; null: nobody configured it. */
  readonly origin: Origin | null;
}

/** A filter of the chain. */
export interface ExplainedFilter extends Part {
  readonly type: string;
  readonly runs: boolean;
  /** Why not, or with which configuration; '' for the chain's own. */
  readonly note: string;
  /** The per-route configuration that decides; null: none. */
  readonly routeOrigin: Origin | null;
}

/** A host that may get the request. */
export interface ExplainedHost {
  readonly address: string;
  readonly hostname: string;
  readonly priority: number;
  readonly weight: number;
  readonly health: string;
  readonly locality: string;
  /** Percent of the cluster's requests; null: the policy does not say. */
  readonly share: number | null;
  readonly origin: Origin | null;
}

/** Where requests go. */
export interface ExplainedCluster extends Part {
  readonly settings: readonly Setting[];
  readonly hosts: readonly ExplainedHost[];
}

/** One of several clusters that a route draws from. */
export interface WeightedShare extends Part {
  readonly weight: number;
  readonly percent: number;
  readonly isChosen: boolean;
}

/** What the HTTP connection manager does. */
export interface ExplainedHttp {
  readonly manager: Part;
  readonly routeConfig: Part;
  /** What was matched, after the connection manager's work on it. */
  readonly authority: string;
  readonly path: string;
  /** null: no domain matches. */
  readonly virtualHost: (Part & { readonly domain: string }) | null;
  /** In order; the last one is the route, if there is one. */
  readonly tried: readonly TriedPart[];
  readonly route: (Part & { readonly action: string }) | null;
  readonly weights: readonly WeightedShare[];
  readonly settings: readonly Setting[];
  readonly filters: readonly ExplainedFilter[];
  readonly requestChanges: readonly ExplainedChange[];
  readonly responseChanges: readonly ExplainedChange[];
  /** The request's own; null: it was not forwarded. */
  readonly cluster: ExplainedCluster | null;
  /** As the upstream gets it; null: it was not forwarded. */
  readonly upstreamRequest: readonly FieldLine[] | null;
  /** As the client gets it; null: there is none. */
  readonly clientResponse: readonly FieldLine[] | null;
  /** Where copies go. */
  readonly mirrors: readonly Part[];
}

/** All of it. */
export interface Explanation {
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly protocol: string;
    readonly headers: readonly FieldLine[];
  };
  readonly outcome: Outcome;
  readonly listener: (Part & { readonly address: string; readonly reason: string }) | null;
  /** Other listeners that the URL may mean. */
  readonly otherListeners: readonly string[];
  readonly filterChain: Part | null;
  readonly triedChains: readonly TriedPart[];
  readonly http: ExplainedHttp | null;
  /** What a reader should know besides. */
  readonly notes: readonly string[];
}

/** True when the request found its route: exit status 0. */
export function isRouted({ kind }: Outcome): boolean {
  return ROUTED.has(kind);
}

const ROUTED: ReadonlySet<OutcomeKind> = new Set([
  'forwarded',
  'tcp',
  'redirected',
  'answered',
  'filter-answered',
]);
