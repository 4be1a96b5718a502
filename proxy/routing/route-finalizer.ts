// What a route does to the heads of its requests and responses, gathered once from all levels.
import type { FormatContext } from '../formatter/formatter.ts';
import { HEADER_ID } from '../http/header-names.ts';
import type { RequestHead, ResponseHead } from '../http/message.ts';
import type { HeaderMutations, MessageMutations } from '../model/header-mutations.ts';
import type {
  ForwardActionConfig,
  RouteConfig,
  RouteTableConfig,
  VirtualHostConfig,
  WeightedClusterConfig,
} from '../model/route.ts';
import { HeaderMutator } from './header-mutator.ts';
import { rewriteAuthority, rewritesHost, rewrittenHost } from './host-rewriter.ts';
import { compilePathRewriter, type PathRewriter } from './path-rewriter.ts';
import { SINGLE_LINE_IN_REQUESTS, SINGLE_LINE_IN_RESPONSES } from './single-line-fields.ts';

/** Where a route stands; the levels of its header work. */
export interface RouteSurroundings {
  readonly table: RouteTableConfig;
  readonly virtualHost: VirtualHostConfig;
  readonly route: RouteConfig;
  /** The drawn entry of weighted_clusters; null for other routes. */
  readonly weightedCluster: WeightedClusterConfig | null;
}

/** Header mutations and rewrites of one route; made once per route. */
export class RouteFinalizer {
  /** False: a request needs no work, and none of the methods need be called. */
  readonly hasRequestWork: boolean;
  readonly hasResponseWork: boolean;
  /** The path rewrite of a forwarding or redirecting route. */
  readonly pathRewriter: PathRewriter | null;
  readonly #entryRequest: HeaderMutator | null;
  readonly #entryHost: string;
  readonly #request: readonly HeaderMutator[];
  readonly #response: readonly HeaderMutator[];
  readonly #action: ForwardActionConfig | null;

  constructor(surroundings: RouteSurroundings) {
    const { route, weightedCluster } = surroundings;
    const levels = orderedLevels(surroundings);
    const { action } = route;
    const entry = weightedCluster?.mutations;
    this.#entryRequest = requestMutators([entry])[0] ?? null;
    this.#entryHost = weightedCluster?.hostRewriteLiteral ?? '';
    this.#request = requestMutators(levels);
    this.#response = responseMutators([entry, ...levels]);
    this.#action = action.kind === 'forward' && rewritesHost(action) ? action : null;
    this.pathRewriter =
      action.kind === 'forward' || action.kind === 'redirect'
        ? compilePathRewriter(route.match.path, action)
        : null;
    this.hasResponseWork = this.#response.length > 0;
    this.hasRequestWork =
      this.#request.length > 0 ||
      this.#entryRequest !== null ||
      this.#entryHost !== '' ||
      this.#action !== null ||
      this.pathRewriter !== null;
  }

  /** Envoy's order: the entry's fields and host, the levels' fields, the host, the path. */
  finalizeRequest(head: RequestHead, context: FormatContext, keepsOriginal: boolean): void {
    if (this.#entryRequest !== null) this.#entryRequest.apply(head.headers, context);
    if (this.#entryHost !== '') head.authority = this.#entryHost;
    for (const level of this.#request) level.apply(head.headers, context);
    const host = this.#action === null ? '' : rewrittenHost(this.#action, head, context);
    if (host !== '') this.#rewriteHost(head, host, keepsOriginal);
    // CONNECT has no path.
    if (this.pathRewriter === null || head.path === '') return;
    const path = this.pathRewriter.rewrite(head.path, context);
    if (path !== null) rewritePath(head, path, keepsOriginal);
  }

  #rewriteHost(head: RequestHead, host: string, keepsOriginal: boolean): void {
    const appendsForwardedHost = this.#action?.appendXForwardedHost === true;
    rewriteAuthority(head, host, { keepsOriginal, appendsForwardedHost });
  }

  /** On what the upstream, or the proxy itself, answers. */
  finalizeResponse(head: ResponseHead, context: FormatContext): void {
    for (const level of this.#response) level.apply(head.headers, context);
  }
}

/** The last level has the last word: the table's, unless most_specific_header_mutations_wins. */
function orderedLevels(surroundings: RouteSurroundings): HeaderMutations[] {
  const { route, virtualHost, table } = surroundings;
  const levels = [route.mutations, virtualHost.mutations, table.mutations];
  return table.mostSpecificHeaderMutationsWins ? levels.reverse() : levels;
}

/** Levels without work are left out. */
function requestMutators(levels: readonly (HeaderMutations | undefined)[]): HeaderMutator[] {
  return compileLevels(
    levels.map((level) => level?.request ?? null),
    SINGLE_LINE_IN_REQUESTS,
  );
}

function responseMutators(levels: readonly (HeaderMutations | undefined)[]): HeaderMutator[] {
  return compileLevels(
    levels.map((level) => level?.response ?? null),
    SINGLE_LINE_IN_RESPONSES,
  );
}

function compileLevels(
  levels: readonly (MessageMutations | null)[],
  singleLine: ReadonlySet<string>,
): HeaderMutator[] {
  return levels
    .filter((level) => level !== null)
    .map((level) => new HeaderMutator(level, singleLine));
}

function rewritePath(head: RequestHead, path: string, keepsOriginal: boolean): void {
  const before = head.path;
  head.path = path;
  if (keepsOriginal) head.headers.setKnown(HEADER_ID['x-envoy-original-path'], before);
}
