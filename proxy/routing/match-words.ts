// Why a value does not pass a test, in words for people who ask which condition failed.
import type {
  MetadataValueMatchConfig,
  StringMatchConfig,
  ValueMatchConfig,
} from '../model/route-match.ts';

/** What a test says of a value that passes, and of one that does not. */
type Claim = readonly [passes: string, fails: string];

const VERBS: Readonly<Record<StringMatchConfig['kind'], Claim>> = {
  exact: ['is exactly', 'is not exactly'],
  prefix: ['begins with', 'does not begin with'],
  suffix: ['ends with', 'does not end with'],
  contains: ['contains', 'does not contain'],
  regex: ['matches', 'does not match'],
};

/** `'bob' is not exactly 'jason'`; where the test is inverted, the value passed it. */
export function valueMismatch(match: ValueMatchConfig, value: string, isInverted: boolean): string {
  const [passes, fails] = claimOf(match);
  return isInverted ? `'${value}' ${passes}, which is inverted` : `'${value}' ${fails}`;
}

function claimOf(match: ValueMatchConfig): Claim {
  switch (match.kind) {
    case 'present':
      return match.expected ? ['is present', 'is missing'] : ['is missing', 'is present'];
    case 'range': {
      const range = `a number from ${match.start} to below ${match.end}`;
      return [`is ${range}`, `is not ${range}`];
    }
    default:
      return stringClaim(match);
  }
}

function stringClaim(match: StringMatchConfig): Claim {
  const text =
    match.kind === 'regex'
      ? `the regex '${match.regex.source}'`
      : `'${match.text}'${match.ignoreCase ? ' in any case' : ''}`;
  const [passes, fails] = VERBS[match.kind];
  return [`${passes} ${text}`, `${fails} ${text}`];
}

/** `is "bob", not one that is exactly 'jason'`; `value` is undefined where there is none. */
export function metadataMismatch(
  match: MetadataValueMatchConfig,
  value: unknown,
  isInverted: boolean,
): string {
  const found = value === undefined ? 'is missing' : `is ${JSON.stringify(value)}`;
  const wanted = metadataClaim(match);
  return isInverted
    ? `${found}, but must not be one that ${wanted}`
    : `${found}, not one that ${wanted}`;
}

function metadataClaim(match: MetadataValueMatchConfig): string {
  switch (match.kind) {
    case 'null':
      return 'is null';
    case 'double':
      return `is a number from ${match.start} to below ${match.end}`;
    case 'double-exact':
    case 'bool':
      return `is ${match.value}`;
    case 'string':
      return stringClaim(match.match)[0];
    case 'present':
      return match.expected ? 'is present' : 'passes present_match: false, as no value does';
    case 'list':
      return `is a list with an element that ${metadataClaim(match.oneOf)}`;
    case 'or':
      return match.matches.map(metadataClaim).join(' or ');
  }
}
