// Conditions on header fields and query parameters: config.route.v3 HeaderMatcher and its sibling.
import type {
  HeaderMatcher,
  QueryParameterMatcher,
} from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import { utf8Bytes } from '../../formatter/byte-text.ts';
import type { CompileContext } from '../../model/extension.ts';
import type {
  HeaderMatchConfig,
  QueryParameterMatchConfig,
  StringMatchConfig,
  ValueMatchConfig,
} from '../../model/route-match.ts';
import { compileRegex, compileStringMatcher } from './string-matcher.ts';

const PRESENT: ValueMatchConfig = Object.freeze({ kind: 'present', expected: true });

/** A compiled HeaderMatcher; null and a rejection when its value cannot be matched as asked. */
export function compileHeaderMatcher(
  matcher: HeaderMatcher,
  context: CompileContext,
): HeaderMatchConfig | null {
  const match = headerValueMatch(matcher, context);
  if (match === null) return null;
  return {
    name: matcher.name.toLowerCase(),
    match,
    invert: matcher.invertMatch,
    treatMissingAsEmpty: matcher.treatMissingHeaderAsEmpty,
  };
}

/** A compiled QueryParameterMatcher; null and a rejection when it cannot be compiled. */
export function compileQueryParameterMatcher(
  matcher: QueryParameterMatcher,
  context: CompileContext,
): QueryParameterMatchConfig | null {
  const specifier = matcher.queryParameterMatchSpecifier;
  if (specifier.case === 'stringMatch') {
    const match = compileStringMatcher(specifier.value, context.at('string_match'));
    return match === null ? null : { name: matcher.name, match };
  }
  const expected = specifier.case === 'presentMatch' ? specifier.value : true;
  return { name: matcher.name, match: { kind: 'present', expected } };
}

function headerValueMatch(
  matcher: HeaderMatcher,
  context: CompileContext,
): ValueMatchConfig | null {
  const specifier = matcher.headerMatchSpecifier;
  switch (specifier.case) {
    case 'stringMatch':
      return compileStringMatcher(specifier.value, context.at('string_match'));
    case 'presentMatch':
      return { kind: 'present', expected: specifier.value };
    case 'rangeMatch':
      return { kind: 'range', start: specifier.value.start, end: specifier.value.end };
    case 'safeRegexMatch': {
      const regex = compileRegex(specifier.value, context.at('safe_regex_match'));
      return regex === null ? null : { kind: 'regex', regex };
    }
    // Envoy: an expectation of the empty text asks for presence only.
    case 'exactMatch':
      return specifier.value === '' ? PRESENT : literal('exact', specifier.value);
    case 'prefixMatch':
      return literal('prefix', specifier.value);
    case 'suffixMatch':
      return literal('suffix', specifier.value);
    case 'containsMatch':
      return literal('contains', specifier.value);
    default:
      return PRESENT;
  }
}

function literal(
  kind: 'exact' | 'prefix' | 'suffix' | 'contains',
  text: string,
): StringMatchConfig {
  return { kind, text: utf8Bytes(text), ignoreCase: false };
}
