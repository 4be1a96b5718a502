// The ways in which a forwarding route gives requests another path or host: at most one of each.
import type { TypedExtensionConfig } from '../../api/gen/envoy/config/core/v3/extension_pb.js';
import type { RouteAction } from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import {
  type UriTemplateRewriteConfig,
  UriTemplateRewriteConfigSchema,
} from '../../api/gen/envoy/extensions/path/rewrite/uri_template/v3/uri_template_rewrite_pb.js';
import {
  fitsTemplate,
  parseUriTemplateRewrite,
  type UriTemplateRewrite,
} from '../../base/uri-template-rewrite.ts';
import type { Formatter } from '../../formatter/formatter.ts';
import { parseTextFormat } from '../../formatter/parse.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { ForwardActionConfig, RouteConfig } from '../../model/route.ts';
import { typeIn } from '../schema/open-any.ts';
import { unpack } from './extension-lookup.ts';
import { formatOptions } from './format-string.ts';
import { compileRegexRewrite } from './string-matcher.ts';

const NEEDS_TEMPLATE =
  'unable to use envoy.path.rewrite.uri_template.uri_template_rewriter extension without envoy.path.match.uri_template.uri_template_matcher extension';

/** The members of a forwarding action that change its path. */
export type PathRewriteConfig = Pick<
  ForwardActionConfig,
  'prefixRewrite' | 'regexRewrite' | 'pathRewrite' | 'pathTemplateRewrite'
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
  const { prefixRewrite, regexRewrite, pathRewrite, pathRewritePolicy } = message;
  const rewrite = {
    prefixRewrite,
    regexRewrite: compileRegexRewrite(regexRewrite, context.at('regex_rewrite')),
  };
  const isSet = [
    ...[prefixRewrite !== '', regexRewrite !== undefined],
    ...[pathRewrite !== '', pathRewritePolicy !== undefined],
  ];
  if (isSet.filter(Boolean).length > 1) {
    const reason = 'Specify only one of prefix_rewrite, regex_rewrite or path_rewrite_policy';
    context.reject(regexRewrite === undefined ? '' : 'regex_rewrite', reason);
  }
  if (pathRewritePolicy !== undefined) {
    const template = compilePolicy(pathRewritePolicy, context.at('path_rewrite_policy'));
    return template === null ? rewrite : { ...rewrite, pathTemplateRewrite: template };
  }
  if (pathRewrite === '') return rewrite;
  const format = { path: 'path_rewrite', text: pathRewrite, what: 'path rewrite', dashes: false };
  const formatter = compileRewriteFormat(format, context);
  return formatter === null ? rewrite : { ...rewrite, pathRewrite: formatter };
}

/** Refuses a path rewrite that cannot work with what the route matches by. */
export function checkPathRewrite(
  { match, action }: Pick<RouteConfig, 'match' | 'action'>,
  context: CompileContext,
): void {
  const { path } = match;
  const isTemplate = path.kind === 'template';
  if (action.kind === 'redirect' && isTemplate && action.prefixRewrite !== '') {
    const reason = 'Cannot use redirect.prefix_rewrite with path_match_policy: use path_rewrite';
    context.reject('redirect.prefix_rewrite', reason);
  }
  if (action.kind !== 'forward') return;
  const at = context.at('route');
  if (isTemplate && action.prefixRewrite !== '') {
    const reason = 'Cannot use prefix_rewrite with matcher extension: use path_rewrite_policy';
    at.reject('prefix_rewrite', reason);
  }
  const rewrite = action.pathTemplateRewrite;
  if (rewrite === undefined) return;
  if (!isTemplate) at.reject('path_rewrite_policy', NEEDS_TEMPLATE);
  else if (!fitsTemplate(rewrite, path.template)) {
    const both = `path_match_policy ${path.template.source} and path_rewrite_policy ${rewrite.source}`;
    at.reject('path_rewrite_policy', `mismatch between variables in ${both}`);
  }
}

function compilePolicy(
  { name, typedConfig }: TypedExtensionConfig,
  context: CompileContext,
): UriTemplateRewrite | null {
  const typeName = typeIn(typedConfig);
  if (typedConfig === undefined || typeName !== UriTemplateRewriteConfigSchema.typeName) {
    const missing = `Didn't find a registered implementation for '${name}' with type URL: '${typeName}'`;
    context.reject('typed_config', `${missing}: use ${UriTemplateRewriteConfigSchema.typeName}`);
    return null;
  }
  const message = unpack(typedConfig, context, 'typed_config');
  if (message === null) return null;
  const text = (message as UriTemplateRewriteConfig).pathTemplateRewrite;
  const rewrite = parseUriTemplateRewrite(text);
  if (rewrite !== null) return rewrite;
  const reason = `path_rewrite_policy.path_template_rewrite ${text} is invalid`;
  context.reject('typed_config.path_template_rewrite', `${reason}: write it as /text/{variable}`);
  return null;
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
