// type.matcher.v3: string, list and regular-expression matchers.

import type {
  RegexMatchAndSubstitute,
  RegexMatcher,
} from '../../api/gen/envoy/type/matcher/v3/regex_pb.js';
import type { StringMatcher } from '../../api/gen/envoy/type/matcher/v3/string_pb.js';
import type { RegexMatcher as XdsRegexMatcher } from '../../api/gen/xds/type/matcher/v3/regex_pb.js';
import type { StringMatcher as XdsStringMatcher } from '../../api/gen/xds/type/matcher/v3/string_pb.js';
import { compileSafeRegex, type SafeRegex } from '../../base/safe-regex.ts';
import { charactersOf, utf8Bytes } from '../../formatter/byte-text.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { StringMatchConfig } from '../../model/route-match.ts';

/** A regular expression with the text that replaces what it matches. */
export interface RegexRewrite {
  readonly regex: SafeRegex;
  readonly substitution: string;
}

/**
 * A compiled RegexMatcher; null and a rejection with RE2's reason when it cannot be compiled. It
 * matches byte strings, whose characters it sees.
 */
export function compileRegex(
  matcher: RegexMatcher | XdsRegexMatcher | undefined,
  context: CompileContext,
): SafeRegex | null {
  const compiled = compileSafeRegex(matcher?.regex ?? '');
  if (!('error' in compiled)) {
    return { ...compiled, matches: (bytes) => compiled.matches(charactersOf(bytes)) };
  }
  context.reject('regex', compiled.error);
  return null;
}

/** A compiled RegexMatchAndSubstitute; null when it is absent or refused. */
export function compileRegexRewrite(
  rewrite: RegexMatchAndSubstitute | undefined,
  context: CompileContext,
): RegexRewrite | null {
  if (rewrite === undefined) return null;
  const regex = compileRegex(rewrite.pattern, context.at('pattern'));
  return regex === null ? null : { regex, substitution: rewrite.substitution };
}

/** A compiled StringMatcher of byte strings; null and a rejection when it is incomplete or refused. */
export function compileStringMatcher(
  matcher: StringMatcher | XdsStringMatcher,
  context: CompileContext,
): StringMatchConfig | null {
  const { matchPattern: pattern, ignoreCase } = matcher;
  switch (pattern.case) {
    case 'exact':
    case 'prefix':
    case 'suffix':
    case 'contains': {
      const octets = utf8Bytes(pattern.value);
      const text = ignoreCase ? octets.toLowerCase() : octets;
      return { kind: pattern.case, text, ignoreCase };
    }
    case 'safeRegex':
      return compileRegexPattern(matcher, pattern.value, context);
    default:
      context.reject(
        '',
        'match_pattern is required: use exact, prefix, suffix, contains or safe_regex',
      );
      return null;
  }
}

function compileRegexPattern(
  matcher: StringMatcher | XdsStringMatcher,
  pattern: RegexMatcher | XdsRegexMatcher,
  context: CompileContext,
): StringMatchConfig | null {
  if (matcher.ignoreCase) {
    context.reject(
      'ignore_case',
      'ignore_case has no effect for safe_regex. Begin the regex with (?i)',
    );
    return null;
  }
  const regex = compileRegex(pattern, context.at('safe_regex'));
  return regex === null ? null : { kind: 'regex', regex };
}
