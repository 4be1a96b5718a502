// RE2 semantics for every pattern that comes from a configuration: linear time whatever the input.
import { RE2JS, RE2JSSyntaxException } from 're2js';

/** A compiled pattern; `matches` is a full match, as Envoy's safe_regex. */
export interface SafeRegex {
  readonly source: string;
  /** True when the whole of `text` matches. */
  matches(text: string): boolean;
  /** True when some part of `text` matches. */
  find(text: string): boolean;
  /** RE2 replace-all with `\1` … `\9` and `\0` in `substitution`. */
  replaceAll(text: string, substitution: string): string;
  /** The groups of the first match, the whole match first, null for a group without one. */
  captures(text: string): readonly (Capture | null)[] | null;
}

/** Where a group matched: `text` stands at `start`. */
export interface Capture {
  readonly start: number;
  readonly text: string;
}

/** Compiles a pattern, or gives the reason why RE2 refuses it. */
export function compileSafeRegex(source: string): SafeRegex | { readonly error: string } {
  try {
    const compiled = RE2JS.compile(source);
    return {
      source,
      matches: (text) => compiled.matches(text),
      find: (text) => compiled.matcher(text).find(),
      replaceAll: (text, substitution) => replaceAll(compiled, text, substitution),
      captures: (text) => capturesOf(compiled, text),
    };
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return { error: error.message };
    throw error;
  }
}

function capturesOf(compiled: RE2JS, text: string): readonly (Capture | null)[] | null {
  const matcher = compiled.matcher(text);
  if (!matcher.find()) return null;
  const groups: (Capture | null)[] = [];
  for (let group = 0; group <= matcher.groupCount(); group += 1) {
    const start = matcher.start(group);
    groups.push(start < 0 ? null : { start, text: text.slice(start, matcher.end(group)) });
  }
  return groups;
}

/** A reference to a group that the pattern does not have leaves the text alone, as in RE2. */
function replaceAll(compiled: RE2JS, text: string, substitution: string): string {
  const matcher = compiled.matcher(text);
  for (const [, group] of substitution.matchAll(/\\(\d|\\)/g)) {
    if (group !== '\\' && Number(group) > matcher.groupCount()) return text;
  }
  return matcher.replaceAll(toJavaSubstitution(substitution), true);
}

/**
 * RE2 writes groups as `\1`, of one digit; re2js in its Java mode as `$1`, of all digits there are,
 * and a backslash before what is meant as it stands.
 */
function toJavaSubstitution(substitution: string): string {
  return substitution.replace(
    /\\(\d)(\d?)|\\\\|\$/g,
    (whole, group: string | undefined, digit: string | undefined) => {
      if (group === undefined) return whole === '$' ? '\\$' : '\\\\';
      return digit === undefined || digit === '' ? `$${group}` : `$${group}\\${digit}`;
    },
  );
}
