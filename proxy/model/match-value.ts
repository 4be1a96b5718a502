// Evaluates compiled value matchers on requests: routes, access-log filters and statistics use them.
// Called for each condition of each candidate route, so it makes nothing but what a regex needs.
import type { HeaderList } from '../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../http/message.ts';
import { isPseudoField, pseudoField } from '../http/request-field.ts';
import type { HeaderMatchConfig, StringMatchConfig, ValueMatchConfig } from './route-match.ts';

/** Decimal text of a 64-bit integer, as range_match reads it. */
const INTEGER = /^[+-]?\d{1,19}$/;

/** True when a request fulfils a condition on one of its fields or pseudo-fields. */
export function matchesHeader(config: HeaderMatchConfig, head: RequestHead): boolean {
  const { name } = config;
  if (isPseudoField(name)) return testOne(config, pseudoField(head, name));
  return testLines(config, head.headers);
}

/** The same of a response, whose one pseudo-field is its status. */
export function matchesResponseHeader(config: HeaderMatchConfig, head: ResponseHead): boolean {
  const { name } = config;
  if (name === ':status') return testOne(config, String(head.status));
  return testLines(config, head.headers);
}

function testLines(config: HeaderMatchConfig, headers: HeaderList): boolean {
  const { match, name } = config;
  const first = headers.getByName(name);
  if (first === null || match.kind === 'present' || matchesValue(match, first))
    return testOne(config, first);
  // Repeated lines are tested one by one: one that matches is enough.
  const matched = headers.values(name).some((value) => matchesValue(match, value));
  return matched !== config.invert;
}

function testOne(config: HeaderMatchConfig, value: string | null): boolean {
  const { match, invert } = config;
  if (match.kind === 'present') {
    const isPresent = value !== null || config.treatMissingAsEmpty;
    return (isPresent === match.expected) !== invert;
  }
  if (value !== null) return matchesValue(match, value) !== invert;
  // Envoy: a missing field matches nothing, not even an inverted condition.
  return config.treatMissingAsEmpty && matchesValue(match, '') !== invert;
}

/** True when a present value passes the test. */
export function matchesValue(match: ValueMatchConfig, value: string): boolean {
  if (match.kind === 'present') return match.expected;
  if (match.kind === 'range') return isInRange(match, value);
  return matchesString(match, value);
}

/** True when a text passes a StringMatcher. */
export function matchesString(match: StringMatchConfig, value: string): boolean {
  const text = match.kind !== 'regex' && match.ignoreCase ? value.toLowerCase() : value;
  switch (match.kind) {
    case 'regex':
      return match.regex.matches(text);
    case 'exact':
      return text === match.text;
    case 'prefix':
      return text.startsWith(match.text);
    case 'suffix':
      return text.endsWith(match.text);
    case 'contains':
      return text.includes(match.text);
  }
}

function isInRange(
  range: { readonly start: bigint; readonly end: bigint },
  value: string,
): boolean {
  if (!INTEGER.test(value)) return false;
  const number = BigInt(value.startsWith('+') ? value.slice(1) : value);
  return number >= range.start && number < range.end;
}
