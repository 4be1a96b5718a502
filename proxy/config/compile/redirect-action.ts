// config.route.v3.RedirectAction.
import {
  type RedirectAction,
  RedirectAction_RedirectResponseCode as RedirectCode,
} from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type { RedirectActionConfig } from '../../model/route.ts';
import { compileRewriteFormat } from './path-rewrite.ts';
import { compileRegexRewrite } from './string-matcher.ts';

const STATUS: Readonly<Record<RedirectCode, RedirectActionConfig['status']>> = {
  [RedirectCode.MOVED_PERMANENTLY]: 301,
  [RedirectCode.FOUND]: 302,
  [RedirectCode.SEE_OTHER]: 303,
  [RedirectCode.TEMPORARY_REDIRECT]: 307,
  [RedirectCode.PERMANENT_REDIRECT]: 308,
};

/** A compiled redirect. */
export function compileRedirect(
  message: RedirectAction,
  context: CompileContext,
): RedirectActionConfig {
  const scheme = message.schemeRewriteSpecifier;
  return {
    kind: 'redirect',
    status: STATUS[message.responseCode],
    scheme: scheme.case === 'schemeRedirect' ? scheme.value : '',
    httpsRedirect: scheme.case === 'httpsRedirect' && scheme.value,
    host: message.hostRedirect,
    port: message.portRedirect,
    ...compilePath(message.pathRewriteSpecifier, context),
    stripQuery: message.stripQuery,
  };
}

function compilePath(
  path: RedirectAction['pathRewriteSpecifier'],
  context: CompileContext,
): Pick<RedirectActionConfig, 'path' | 'prefixRewrite' | 'regexRewrite' | 'pathRewrite'> {
  const none = { path: '', prefixRewrite: '', regexRewrite: null };
  switch (path.case) {
    case 'pathRedirect':
      return { ...none, path: path.value };
    case 'prefixRewrite':
      return { ...none, prefixRewrite: path.value };
    case 'regexRewrite':
      return {
        ...none,
        regexRewrite: compileRegexRewrite(path.value, context.at('regex_rewrite')),
      };
    case 'pathRewrite': {
      const what = 'path_rewrite';
      const format = { path: 'path_rewrite', text: path.value, what, dashes: false };
      const formatter = path.value === '' ? null : compileRewriteFormat(format, context);
      return formatter === null ? none : { ...none, pathRewrite: formatter };
    }
    default:
      return none;
  }
}
