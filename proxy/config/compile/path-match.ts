// The path condition of a route: RouteMatch.path_specifier.

import type { TypedExtensionConfig } from '../../api/gen/envoy/config/core/v3/extension_pb.js';
import type { RouteMatch } from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import {
  type UriTemplateMatchConfig,
  UriTemplateMatchConfigSchema,
} from '../../api/gen/envoy/extensions/path/match/uri_template/v3/uri_template_match_pb.js';
import { parseUriTemplate, type UriTemplate } from '../../base/uri-template.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { PathMatchConfig } from '../../model/route-match.ts';
import { typeIn } from '../schema/open-any.ts';
import { unpack } from './extension-lookup.ts';
import { compileRegex } from './string-matcher.ts';

const REQUIRED =
  'path_specifier is required: use prefix, path, path_separated_prefix, safe_regex, path_match_policy or connect_matcher';

/** The compiled path_specifier; null and a rejection when no path could be matched as asked. */
export function compilePathMatch(
  match: RouteMatch,
  context: CompileContext,
): PathMatchConfig | null {
  const specifier = match.pathSpecifier;
  const fold = (text: string): string =>
    match.caseSensitive === false ? text.toLowerCase() : text;
  switch (specifier.case) {
    case 'prefix':
      return { kind: 'prefix', text: fold(specifier.value) };
    case 'path':
      return { kind: 'path', text: fold(specifier.value) };
    case 'pathSeparatedPrefix':
      return { kind: 'separated-prefix', text: fold(specifier.value) };
    case 'safeRegex': {
      const regex = compileRegex(specifier.value, context.at('safe_regex'));
      return regex === null ? null : { kind: 'regex', regex };
    }
    case 'pathMatchPolicy':
      return compileTemplate(specifier.value, context.at('path_match_policy'));
    case 'connectMatcher':
      return { kind: 'connect' };
    default:
      context.reject('', REQUIRED);
      return null;
  }
}

function compileTemplate(
  policy: TypedExtensionConfig,
  context: CompileContext,
): PathMatchConfig | null {
  const template = compileUriTemplate(policy, context);
  return template === null ? null : { kind: 'template', template };
}

/** The template of an extension that matches paths; null and a rejection when it has none. */
export function compileUriTemplate(
  { name, typedConfig }: TypedExtensionConfig,
  context: CompileContext,
): UriTemplate | null {
  const typeName = typeIn(typedConfig);
  if (typedConfig === undefined || typeName !== UriTemplateMatchConfigSchema.typeName) {
    const missing = `Didn't find a registered implementation for '${name}' with type URL: '${typeName}'`;
    const advice = `use ${UriTemplateMatchConfigSchema.typeName}`;
    context.reject('typed_config', `${missing}: ${advice}`);
    return null;
  }
  const message = unpack(typedConfig, context, 'typed_config');
  if (message === null) return null;
  const { pathTemplate } = message as UriTemplateMatchConfig;
  const template = parseUriTemplate(pathTemplate);
  const at = context.at('typed_config.path_template');
  if ('error' in template) {
    at.reject('', `path_match_policy.path_template ${pathTemplate} is invalid: ${template.error}`);
    return null;
  }
  if (template.doubt !== null) at.warn('', template.doubt);
  return template;
}
