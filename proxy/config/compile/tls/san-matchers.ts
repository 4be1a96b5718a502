// Matchers of subjectAltNames: typed ones, and the deprecated ones that mean every type.
import {
  type CertificateValidationContext,
  SubjectAltNameMatcher_SanType as SanType,
  type SubjectAltNameMatcher,
} from '../../../api/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import type { StringMatcher } from '../../../api/gen/envoy/type/matcher/v3/string_pb.js';
import { compileSafeRegex } from '../../../base/safe-regex.ts';
import type { CompileContext } from '../../../model/extension.ts';
import type { SanMatcherConfig, TextMatchConfig } from '../../../model/secret.ts';

const KINDS: Readonly<Partial<Record<SanType, SanMatcherConfig['kind']>>> = {
  [SanType.EMAIL]: 'email',
  [SanType.DNS]: 'dns',
  [SanType.URI]: 'uri',
  [SanType.IP_ADDRESS]: 'ip',
  [SanType.OTHER_NAME]: 'other',
};
/** What a matcher without a type means, in Envoy's order. */
const UNTYPED: readonly SanMatcherConfig['kind'][] = ['uri', 'dns', 'email', 'ip'];
/** An object identifier in dotted form. */
const OBJECT_IDENTIFIER = /^[012](\.(0|[1-9]\d{0,18}))+$/;

/** All matchers of a validation context; what is refused of them is left out. */
export function compileSanMatchers(
  message: CertificateValidationContext,
  context: CompileContext,
): readonly SanMatcherConfig[] {
  const typed = message.matchTypedSubjectAltNames.flatMap((matcher, index) =>
    compileSanMatcher(matcher, context.at(`match_typed_subject_alt_names[${index}]`)),
  );
  const untyped = message.matchSubjectAltNames;
  if (typed.length > 0 && untyped.length > 0) {
    context.warn(
      'match_subject_alt_names',
      'Ignoring match_subject_alt_names as match_typed_subject_alt_names is also specified, and the former is deprecated.',
    );
    return typed;
  }
  return [
    ...typed,
    ...untyped.flatMap((matcher, index) => {
      const match = compileText(matcher, context.at(`match_subject_alt_names[${index}]`));
      return match === null ? [] : UNTYPED.map((kind) => ({ kind, oid: '', match }));
    }),
  ];
}

/** One matcher with a type; empty, and a rejection, when it is refused. */
export function compileSanMatcher(
  message: SubjectAltNameMatcher,
  context: CompileContext,
): readonly SanMatcherConfig[] {
  const kind = KINDS[message.sanType];
  if (kind === undefined || message.matcher === undefined) {
    context.reject('san_type', 'is required: use DNS, URI, EMAIL, IP_ADDRESS or OTHER_NAME');
    return [];
  }
  const oid = kind === 'other' ? message.oid : '';
  if (kind === 'other' && !OBJECT_IDENTIFIER.test(oid)) {
    context.reject('oid', `Failed to create SAN matcher for OTHER_NAME with OID: ${oid}`);
    return [];
  }
  const match = compileText(message.matcher, context.at('matcher'));
  return match === null ? [] : [{ kind, oid, match }];
}

function compileText(matcher: StringMatcher, context: CompileContext): TextMatchConfig | null {
  const { matchPattern: pattern, ignoreCase } = matcher;
  switch (pattern.case) {
    case 'exact':
    case 'prefix':
    case 'suffix':
    case 'contains':
      return { kind: pattern.case, text: pattern.value, regex: null, ignoresCase: ignoreCase };
    case 'safeRegex':
      return compileRegexText(pattern.value.regex, ignoreCase, context);
    default:
      context.reject('', 'one of exact, prefix, suffix, contains or safe_regex is required');
      return null;
  }
}

function compileRegexText(
  source: string,
  ignoresCase: boolean,
  context: CompileContext,
): TextMatchConfig | null {
  if (ignoresCase) {
    const reason = 'ignore_case has no effect for safe_regex. Begin the regex with (?i)';
    context.reject('ignore_case', reason);
    return null;
  }
  const regex = compileSafeRegex(source);
  if (!('error' in regex)) return { kind: 'regex', text: source, regex, ignoresCase };
  context.reject('safe_regex.regex', regex.error);
  return null;
}
