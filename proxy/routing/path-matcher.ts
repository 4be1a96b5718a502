// Path conditions of routes, compiled. They read the target as it is: cutting its query off for
// every route would be the only allocation of a match.
import type { SafeRegex } from '../base/safe-regex.ts';
import type { UriTemplate } from '../base/uri-template.ts';
import type { RequestHead } from '../http/message.ts';
import type { PathMatchConfig } from '../model/route-match.ts';

const QUESTION_MARK = 0x3f;
const SLASH = 0x2f;
const CONNECT_UDP = 'connect-udp';

/** A test of the target's path. */
export interface PathMatcher {
  /** `head` is the one with this target. */
  matches(target: string, head: RequestHead): boolean;
  /** Why it failed, in words. */
  mismatch(target: string): string;
}

/** How paths are compared. */
export interface PathMatchOptions {
  /** RouteMatch.case_sensitive */
  readonly caseSensitive: boolean;
  /** RouteConfiguration.ignore_path_parameters_in_path_matching */
  readonly ignoresParameters: boolean;
}

/** Compiles path_specifier. */
export function compilePathMatcher(path: PathMatchConfig, options: PathMatchOptions): PathMatcher {
  const matcher = compileSpecifier(path, options.caseSensitive);
  // Envoy shows templates the whole path in any case.
  const isBare = options.ignoresParameters && path.kind !== 'template';
  return isBare ? new ParameterlessPath(matcher) : matcher;
}

function compileSpecifier(path: PathMatchConfig, caseSensitive: boolean): PathMatcher {
  if (path.kind === 'regex') return new RegexPath(path.regex);
  if (path.kind === 'template') return new TemplatePath(path.template);
  if (path.kind === 'connect') return CONNECT;
  if (path.text.includes('?')) return new NoPath(path.text);
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
const CONNECT: PathMatcher = Object.freeze({
  matches: (target: string, head: RequestHead) => target === '' || head.upgrade === CONNECT_UDP,
  mismatch: () => 'connect_matcher: the method is not CONNECT',
});

/** The empty prefix. */
const ANY: PathMatcher = Object.freeze({
  matches: (target: string) => target !== '',
  mismatch: (target: string) => failed(target, 'has no such prefix'),
});

/** Prefix `/`: the most common condition of all. */
const ROOT: PathMatcher = Object.freeze({
  matches: (target: string) => target.charCodeAt(0) === SLASH,
  mismatch: (target: string) => failed(target, "does not begin with the prefix '/'"),
});

/** A path never holds a question mark. */
class NoPath implements PathMatcher {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  matches(): boolean {
    return false;
  }

  mismatch(target: string): string {
    return failed(target, `cannot match '${this.#text}': the query is not part of a path`);
  }
}

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

  mismatch(target: string): string {
    return failed(target, `does not begin with the prefix '${this.#text}'`);
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

  mismatch(target: string): string {
    return failed(target, `is not exactly '${this.#text}'`);
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

  mismatch(target: string): string {
    return failed(target, `is neither '${this.#text}' nor below it`);
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

  mismatch(target: string): string {
    return failed(target, `does not match the regex '${this.#regex.source}'`);
  }
}

class TemplatePath implements PathMatcher {
  readonly #template: UriTemplate;

  constructor(template: UriTemplate) {
    this.#template = template;
  }

  matches(target: string): boolean {
    return target !== '' && this.#template.matches(pathOf(target));
  }

  mismatch(target: string): string {
    return failed(target, `does not match the template '${this.#template.source}'`);
  }
}

/** Compares what is left of a path without `;…` in its segments. */
class ParameterlessPath implements PathMatcher {
  readonly #matcher: PathMatcher;

  constructor(matcher: PathMatcher) {
    this.#matcher = matcher;
  }

  matches(target: string, head: RequestHead): boolean {
    return this.#matcher.matches(withoutParameters(target), head);
  }

  mismatch(target: string): string {
    return this.#matcher.mismatch(withoutParameters(target));
  }
}

/** The path of a target without parameters; a target that has none stays as it is. */
export function withoutParameters(target: string): string {
  return target.includes(';') ? pathOf(target).replace(/;[^/]*/g, '') : target;
}

function failed(target: string, claim: string): string {
  return target === '' ? 'CONNECT has no path' : `path '${pathOf(target)}' ${claim}`;
}

function startsWith(target: string, text: string, caseSensitive: boolean): boolean {
  if (caseSensitive) return target.startsWith(text);
  return target.slice(0, text.length).toLowerCase() === text;
}
