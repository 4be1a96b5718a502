// Says whether a request is for a route: its path, then whatever else the route asks.
import type { RequestHead } from '../http/message.ts';
import type { RouteMatchConfig } from '../model/route-match.ts';
import { compilePathMatcher, type PathMatcher } from './path-matcher.ts';
import { compileConditions, type RouteCondition } from './route-conditions.ts';
import type { RouteMatchInput } from './route-table.ts';

/** The conditions of one route. */
export class RouteMatcher {
  readonly #path: PathMatcher;
  /** Empty for most routes: the path decides alone. */
  readonly #conditions: readonly RouteCondition[];

  /** `ignoresPathParameters`: what of a segment stands behind `;` does not count. */
  constructor(config: RouteMatchConfig, ignoresPathParameters: boolean) {
    this.#path = compilePathMatcher(config.path, {
      caseSensitive: config.caseSensitive,
      ignoresParameters: ignoresPathParameters,
    });
    this.#conditions = compileConditions(config);
  }

  /**
   * Envoy asks for the path last; no condition has an effect, so here the cheapest and most
   * selective one comes first.
   */
  matches(head: RequestHead, input: RouteMatchInput): boolean {
    if (!this.#path.matches(head.path, head)) return false;
    const conditions = this.#conditions;
    for (let index = 0; index < conditions.length; index += 1) {
      if (!conditions[index]!.matches(head, input)) return false;
    }
    return true;
  }

  /** The first condition that fails, in words; null: it matches. */
  mismatch(head: RequestHead, input: RouteMatchInput): string | null {
    if (!this.#path.matches(head.path, head)) return this.#path.mismatch(head.path);
    const failed = this.#conditions.find((condition) => !condition.matches(head, input));
    return failed === undefined ? null : failed.mismatch(head, input);
  }
}
