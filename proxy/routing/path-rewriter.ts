// Path rewrites of forwarding and redirecting routes. The query always stays.
import type { UriTemplate } from '../base/uri-template.ts';
import { type UriTemplateRewrite, UriTemplateRewriter } from '../base/uri-template-rewrite.ts';
import type { FormatContext, Formatter } from '../formatter/formatter.ts';
import type { RegexRewriteConfig } from '../model/route.ts';
import type { PathMatchConfig } from '../model/route-match.ts';
import { pathOf } from './path-matcher.ts';

/** The options of RouteAction and RedirectAction that change a path; at most one is set. */
export interface PathRewriteOptions {
  readonly prefixRewrite: string;
  readonly regexRewrite: RegexRewriteConfig | null;
  readonly pathRewrite?: Formatter;
  readonly pathTemplateRewrite?: UriTemplateRewrite;
}

/** Makes one target of another; null: it stays. */
export interface PathRewriter {
  rewrite(target: string, context: FormatContext): string | null;
}

/** Compiles the rewrite of a route with this path condition; null: it has none. */
export function compilePathRewriter(
  path: PathMatchConfig,
  options: PathRewriteOptions,
): PathRewriter | null {
  const { prefixRewrite, regexRewrite, pathRewrite, pathTemplateRewrite } = options;
  if (prefixRewrite !== '') return new PrefixRewriter(path, prefixRewrite);
  if (pathRewrite !== undefined) return new FormatRewriter(pathRewrite);
  if (pathTemplateRewrite !== undefined && path.kind === 'template') {
    return new TemplateRewriter(path.template, pathTemplateRewrite);
  }
  return regexRewrite === null ? null : new RegexRewriter(regexRewrite);
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

/** path_rewrite_policy: what the variables of the route's template stand for, in another order. */
class TemplateRewriter implements PathRewriter {
  readonly #rewriter: UriTemplateRewriter;

  constructor(template: UriTemplate, rewrite: UriTemplateRewrite) {
    this.#rewriter = new UriTemplateRewriter(template, rewrite);
  }

  /** A path that a filter changed may match no longer: then it stays. */
  rewrite(target: string): string | null {
    const path = pathOf(target);
    const rewritten = this.#rewriter.rewrite(path);
    return rewritten === null ? null : rewritten + target.slice(path.length);
  }
}

/** Octets that end a request target, or that nobody may send in one (RFC 9112 §3.2). */
const NO_TARGET_OCTET = /[^\x21-\x7e]/g;

/** path_rewrite: a format instead of the path; one that says nothing leaves it as it is. */
class FormatRewriter implements PathRewriter {
  readonly #format: Formatter;

  constructor(format: Formatter) {
    this.#format = format;
  }

  rewrite(target: string, context: FormatContext): string | null {
    const path = this.#format.format(context);
    if (path === '') return null;
    // Formats print what clients send: a blank would end the target in the middle of a request line.
    const written = path.replace(NO_TARGET_OCTET, percentEncoded);
    return written + target.slice(pathOf(target).length);
  }
}

function percentEncoded(octet: string): string {
  const hex = (octet.charCodeAt(0) & 0xff).toString(16).toUpperCase();
  return `%${hex.padStart(2, '0')}`;
}
