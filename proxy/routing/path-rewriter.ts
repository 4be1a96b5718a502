// Path rewrites of forwarding and redirecting routes. The query always stays.
import type { RegexRewriteConfig } from '../model/route.ts';
import type { PathMatchConfig } from '../model/route-match.ts';
import { pathOf } from './path-matcher.ts';

/** The options of RouteAction and RedirectAction that change a path; at most one is set. */
export interface PathRewriteOptions {
  readonly prefixRewrite: string;
  readonly regexRewrite: RegexRewriteConfig | null;
}

/** Makes one target of another; null: it stays. */
export interface PathRewriter {
  rewrite(target: string): string | null;
}

/** Compiles the rewrite of a route with this path condition; null: it has none. */
export function compilePathRewriter(
  path: PathMatchConfig,
  options: PathRewriteOptions,
): PathRewriter | null {
  if (options.prefixRewrite !== '') return new PrefixRewriter(path, options.prefixRewrite);
  return options.regexRewrite === null ? null : new RegexRewriter(options.regexRewrite);
}

/** prefix_rewrite: instead of what matched, which is all of the path unless a prefix did. */
class PrefixRewriter implements PathRewriter {
  /** -1: the whole path. */
  readonly #matchedLength: number;
  readonly #replacement: string;

  constructor(path: PathMatchConfig, replacement: string) {
    const isPrefix = path.kind === 'prefix' || path.kind === 'separated-prefix';
    this.#matchedLength = isPrefix ? path.text.length : -1;
    this.#replacement = replacement;
  }

  rewrite(target: string): string {
    const length = this.#matchedLength === -1 ? pathOf(target).length : this.#matchedLength;
    return this.#replacement + target.slice(length);
  }
}

/** regex_rewrite: every match in the path; a path that would become empty stays. */
class RegexRewriter implements PathRewriter {
  readonly #config: RegexRewriteConfig;

  constructor(config: RegexRewriteConfig) {
    this.#config = config;
  }

  rewrite(target: string): string | null {
    const path = pathOf(target);
    const rewritten = this.#config.regex.replaceAll(path, this.#config.substitution);
    return rewritten === '' ? null : rewritten + target.slice(path.length);
  }
}
