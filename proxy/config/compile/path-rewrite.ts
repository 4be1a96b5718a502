// The ways in which a forwarding route gives requests another path or host: at most one of each.
import type { RouteAction } from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { Formatter } from '../../formatter/formatter.ts';
import { parseTextFormat } from '../../formatter/parse.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { ForwardActionConfig } from '../../model/route.ts';
import { formatOptions } from './format-string.ts';
import { compileRegexRewrite } from './string-matcher.ts';

/** The members of a forwarding action that change its path. */
export type PathRewriteConfig = Pick<
  ForwardActionConfig,
  'prefixRewrite' | 'regexRewrite' | 'pathRewrite'
>;

/** The members that change its host. */
export type HostRewriteConfig = Pick<
  ForwardActionConfig,
  | 'hostRewriteLiteral'
  | 'hostRewriteHeader'
  | 'hostRewritePathRegex'
  | 'hostRewrite'
  | 'autoHostRewrite'
>;

/** A format of one line, whose missing values print nothing or, with `dashes`, `-`. */
export interface RewriteFormat {
  readonly path: string;
  readonly text: string;
  /** What Envoy calls it in messages. */
  readonly what: string;
  readonly dashes: boolean;
}

/** The path rewrite of a forwarding route. */
export function compilePathRewrite(
  message: RouteAction,
  context: CompileContext,
): PathRewriteConfig {
  const { prefixRewrite, regexRewrite, pathRewrite } = message;
  const rewrite = {
    prefixRewrite,
    regexRewrite: compileRegexRewrite(regexRewrite, context.at('regex_rewrite')),
  };
  const set = [prefixRewrite !== '', regexRewrite !== undefined, pathRewrite !== ''];
  if (set.filter(Boolean).length > 1) {
    const reason = 'Specify only one of prefix_rewrite, regex_rewrite or path_rewrite_policy';
    context.reject(regexRewrite === undefined ? 'path_rewrite' : 'regex_rewrite', reason);
  }
  if (pathRewrite === '') return rewrite;
  const format = { path: 'path_rewrite', text: pathRewrite, what: 'path rewrite', dashes: false };
  const formatter = compileRewriteFormat(format, context);
  return formatter === null ? rewrite : { ...rewrite, pathRewrite: formatter };
}

/** The host rewrite of a forwarding route. */
export function compileHostRewrite(
  host: RouteAction['hostRewriteSpecifier'],
  context: CompileContext,
): HostRewriteConfig {
  const none = { hostRewriteLiteral: '', autoHostRewrite: false };
  switch (host.case) {
    case 'hostRewriteLiteral':
      return { ...none, hostRewriteLiteral: host.value };
    case 'autoHostRewrite':
      return { ...none, autoHostRewrite: host.value.value };
    case 'hostRewriteHeader':
      return { ...none, hostRewriteHeader: host.value.toLowerCase() };
    case 'hostRewritePathRegex': {
      const regex = compileRegexRewrite(host.value, context.at('host_rewrite_path_regex'));
      return regex === null ? none : { ...none, hostRewritePathRegex: regex };
    }
    case 'hostRewrite': {
      if (host.value === '') return none;
      const format = { path: 'host_rewrite', text: host.value, what: 'host rewrite', dashes: true };
      const formatter = compileRewriteFormat(format, context);
      return formatter === null ? none : { ...none, hostRewrite: formatter };
    }
    default:
      return none;
  }
}

/** The compiled format; null and a rejection with Envoy's text. */
export function compileRewriteFormat(
  { path, text, what, dashes }: RewriteFormat,
  context: CompileContext,
): Formatter | null {
  const purpose = { forHeader: false, forBody: true, omitEmptyValues: !dashes };
  const parsed = parseTextFormat(text, formatOptions(context.environment, purpose));
  if (parsed.ok) return parsed.formatter;
  context.reject(path, `Failed to create ${what} formatter: ${parsed.error}`);
  return null;
}
