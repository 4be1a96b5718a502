// Rules on text and bytes.
import { compileSafeRegex } from '../../base/safe-regex.ts';
import type { RuleSet, ValueCheck } from './rule-set.ts';

/** A test of one rule's parameter on a value. */
type Test = (value: string, parameter: never) => boolean;

interface StringRule {
  readonly test: Test;
  reason(parameter: unknown): string;
}

function rule<P>(
  test: (value: string, parameter: P) => boolean,
  reason: (parameter: unknown) => string,
): StringRule {
  return { test, reason };
}

const LENGTH_RULES: Readonly<Record<string, StringRule>> = {
  len: rule(
    (value, n: bigint) => characters(value) === Number(n),
    (n) => `value length must be ${n} characters`,
  ),
  min_len: rule(
    (value, n: bigint) => characters(value) >= Number(n),
    (n) => `value length must be at least ${n} characters`,
  ),
  max_len: rule(
    (value, n: bigint) => characters(value) <= Number(n),
    (n) => `value length must be at most ${n} characters`,
  ),
  len_bytes: rule(
    (value, n: bigint) => Buffer.byteLength(value) === Number(n),
    (n) => `value length must be ${n} bytes`,
  ),
  min_bytes: rule(
    (value, n: bigint) => Buffer.byteLength(value) >= Number(n),
    (n) => `value length must be at least ${n} bytes`,
  ),
  max_bytes: rule(
    (value, n: bigint) => Buffer.byteLength(value) <= Number(n),
    (n) => `value length must be at most ${n} bytes`,
  ),
};

const STRING_RULES: Readonly<Record<string, StringRule>> = {
  ...LENGTH_RULES,
  const: rule(
    (value, text: string) => value === text,
    (text) => `value must equal ${text}`,
  ),
  prefix: rule(
    (value, text: string) => value.startsWith(text),
    (text) => `value does not have prefix '${text}'`,
  ),
  suffix: rule(
    (value, text: string) => value.endsWith(text),
    (text) => `value does not have suffix '${text}'`,
  ),
  contains: rule(
    (value, text: string) => value.includes(text),
    (text) => `value does not contain substring '${text}'`,
  ),
  not_contains: rule(
    (value, text: string) => !value.includes(text),
    (text) => `value contains substring '${text}'`,
  ),
  in: rule(
    (value, list: string[]) => list.includes(value),
    (list) => `value must be in list [${(list as string[]).join(', ')}]`,
  ),
  not_in: rule(
    (value, list: string[]) => !list.includes(value),
    (list) => `value must not be in list [${(list as string[]).join(', ')}]`,
  ),
};

/** validate.KnownRegex: HTTP_HEADER_NAME 1, HTTP_HEADER_VALUE 2; strict or only safe. */
const HEADER_REGEX = {
  // `+-.` is a range in the validators' text as well: a comma passes.
  1: { what: 'header name', strict: /^:?[0-9a-zA-Z!#$%&'*+-.^_|~`]+$/ },
  2: { what: 'header value', strict: /^[^\0-\x08\n-\x1f\x7f]*$/ },
} as const;
const LOOSE_HEADER = /^[^\0\n\r]*$/;

/** Rules that say how others are applied. */
const MODIFIERS = new Set(['strict', 'ignore_empty']);

/** The checks of a validate.StringRules. */
export function stringChecks(rules: RuleSet): ValueCheck[] {
  const checks: ValueCheck[] = [];
  for (const [name, parameter] of Object.entries(rules)) {
    if (MODIFIERS.has(name)) continue;
    if (name === 'pattern') checks.push(patternCheck(String(parameter)));
    else if (name === 'well_known_regex') checks.push(headerCheck(rules));
    else checks.push(simpleCheck(name, parameter));
  }
  return checks;
}

function simpleCheck(name: string, parameter: unknown): ValueCheck {
  const found = STRING_RULES[name];
  if (found === undefined) throw new Error(`the string rule ${name} is not implemented`);
  const reason = found.reason(parameter);
  return (value) => (found.test(value as string, parameter as never) ? null : reason);
}

function patternCheck(pattern: string): ValueCheck {
  const regex = compileSafeRegex(pattern);
  if ('error' in regex) throw new Error(`the pattern ${pattern} of a rule: ${regex.error}`);
  const reason = `value does not match regex pattern '${pattern}'`;
  return (value) => (regex.find(value as string) ? null : reason);
}

function headerCheck(rules: RuleSet): ValueCheck {
  const known = HEADER_REGEX[rules['well_known_regex'] as 1 | 2];
  const regex = rules['strict'] === false ? LOOSE_HEADER : known.strict;
  const ignoreEmpty = rules['ignore_empty'] === true;
  const reason = `value is not a valid HTTP ${known.what}`;
  return (value) => {
    const text = value as string;
    return (ignoreEmpty && text === '') || regex.test(text) ? null : reason;
  };
}

/** The checks of a validate.BytesRules; only lengths are in use. */
export function bytesChecks(rules: RuleSet): ValueCheck[] {
  const checks: ValueCheck[] = [];
  const min = rules['min_len'];
  const max = rules['max_len'];
  if (min !== undefined) {
    checks.push((value) =>
      (value as Uint8Array).length >= Number(min)
        ? null
        : `value length must be at least ${min} bytes`,
    );
  }
  if (max !== undefined) {
    checks.push((value) =>
      (value as Uint8Array).length <= Number(max)
        ? null
        : `value length must be at most ${max} bytes`,
    );
  }
  return checks;
}

/** Code points, as the validators count. */
function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
