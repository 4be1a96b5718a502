// The conditions of one route, compiled.
import { hasGrpcType } from '../http/grpc.ts';
import type { RequestHead } from '../http/message.ts';
import { matchesHeader } from '../model/match-value.ts';
import type { RouteMatchConfig } from '../model/route-match.ts';
import { compilePathMatcher, type PathMatcher } from './path-matcher.ts';
import { matchesQueryParameter } from './query-parameters.ts';
import type { RouteMatchInput } from './route-table.ts';

const PARTS = 1_000_000;

/** Says whether a request is for its route. */
export class RouteMatcher {
  readonly #config: RouteMatchConfig;
  readonly #path: PathMatcher;
  /** False: the path decides alone. */
  readonly #hasConditions: boolean;

  constructor(config: RouteMatchConfig) {
    this.#config = config;
    this.#path = compilePathMatcher(config.path, config.caseSensitive);
    this.#hasConditions =
      config.runtimeFractionPpm !== null ||
      config.grpcOnly ||
      config.headers.length > 0 ||
      config.queryParameters.length > 0;
  }

  /**
   * Envoy asks for the path last; no condition has an effect, so here the cheapest and most
   * selective one comes first.
   */
  matches(head: RequestHead, input: RouteMatchInput): boolean {
    if (!this.#path.matches(head.path)) return false;
    return !this.#hasConditions || this.#matchesConditions(head, input);
  }

  #matchesConditions(head: RequestHead, { streamRandom }: RouteMatchInput): boolean {
    const config = this.#config;
    const fraction = config.runtimeFractionPpm;
    if (fraction !== null && streamRandom % PARTS >= fraction) return false;
    if (config.grpcOnly && !hasGrpcType(head.headers)) return false;
    for (const header of config.headers) {
      if (!matchesHeader(header, head)) return false;
    }
    for (const parameter of config.queryParameters) {
      if (!matchesQueryParameter(parameter, head.path)) return false;
    }
    return true;
  }
}
