// Path conditions of routes, compiled. They read the target as it is: cutting its query off for
// every route would be the only allocation of a match.
import type { SafeRegex } from '../base/safe-regex.ts';
import type { PathMatchConfig } from '../model/route-match.ts';

const QUESTION_MARK = 0x3f;
const SLASH = 0x2f;

/** A test of the target's path. */
export interface PathMatcher {
  matches(target: string): boolean;
}

/** Compiles path_specifier; `caseSensitive` is config.route.v3.RouteMatch.case_sensitive. */
export function compilePathMatcher(path: PathMatchConfig, caseSensitive: boolean): PathMatcher {
  if (path.kind === 'regex') return new RegexPath(path.regex);
  if (path.kind === 'connect') return CONNECT;
  if (path.text.includes('?')) return NEVER;
  const text = caseSensitive ? path.text : path.text.toLowerCase();
  if (path.kind === 'path') return new ExactPath(text, caseSensitive);
  if (path.kind === 'separated-prefix') return new SeparatedPrefixPath(text, caseSensitive);
  if (text === '') return ANY;
  return text === '/' ? ROOT : new PrefixPath(text, caseSensitive);
}

/** The target without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}

/** CONNECT alone has no path, and so nothing else matches it. */
const CONNECT: PathMatcher = Object.freeze({ matches: (target: string) => target === '' });

/** The empty prefix. */
const ANY: PathMatcher = Object.freeze({ matches: (target: string) => target !== '' });

/** A path never holds a question mark. */
const NEVER: PathMatcher = Object.freeze({ matches: () => false });

/** Prefix `/`: the most common condition of all. */
const ROOT: PathMatcher = Object.freeze({
  matches: (target: string) => target.charCodeAt(0) === SLASH,
});

class PrefixPath implements PathMatcher {
  readonly #text: string;
  readonly #caseSensitive: boolean;

  constructor(text: string, caseSensitive: boolean) {
    this.#text = text;
    this.#caseSensitive = caseSensitive;
  }

  matches(target: string): boolean {
    return startsWith(target, this.#text, this.#caseSensitive);
  }
}

class ExactPath implements PathMatcher {
  readonly #text: string;
  readonly #caseSensitive: boolean;

  constructor(text: string, caseSensitive: boolean) {
    this.#text = text;
    this.#caseSensitive = caseSensitive;
  }

  matches(target: string): boolean {
    const length = this.#text.length;
    if (target.length !== length && target.charCodeAt(length) !== QUESTION_MARK) return false;
    return startsWith(target, this.#text, this.#caseSensitive);
  }
}

class SeparatedPrefixPath implements PathMatcher {
  readonly #text: string;
  readonly #caseSensitive: boolean;

  constructor(text: string, caseSensitive: boolean) {
    this.#text = text;
    this.#caseSensitive = caseSensitive;
  }

  matches(target: string): boolean {
    const next = target.charCodeAt(this.#text.length);
    if (target.length !== this.#text.length && next !== SLASH && next !== QUESTION_MARK)
      return false;
    return startsWith(target, this.#text, this.#caseSensitive);
  }
}

class RegexPath implements PathMatcher {
  readonly #regex: SafeRegex;

  constructor(regex: SafeRegex) {
    this.#regex = regex;
  }

  matches(target: string): boolean {
    return target !== '' && this.#regex.matches(pathOf(target));
  }
}

function startsWith(target: string, text: string, caseSensitive: boolean): boolean {
  if (caseSensitive) return target.startsWith(text);
  return target.slice(0, text.length).toLowerCase() === text;
}
