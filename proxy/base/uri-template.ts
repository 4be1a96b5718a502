// Path templates as Envoy's uri_template extensions read them: `/users/{id}/**`. A template becomes
// one RE2 pattern, the very one that Envoy makes of it, so that both match alike.
//
// To rewrite with captures: `captures(path)` gives the texts of the variables, in the order of
// `variables`; a rewrite template, parsed once, then only joins its literals with those.
import { compileSafeRegex, type SafeRegex } from './safe-regex.ts';

/** A parsed template. */
export interface UriTemplate {
  readonly source: string;
  /** Names, in the order in which they occur. */
  readonly variables: readonly string[];
  /** True when the whole of a path, without query, is as the template says. */
  matches(path: string): boolean;
  /** What each of `variables` stands for in a path; null when it does not match. */
  captures(path: string): readonly string[] | null;
  /** What is legal, but hardly meant so; null: nothing. */
  readonly doubt: string | null;
}

/** Envoy's kPatternMatchingMaxVariablesPerUrl. */
const MAX_VARIABLES = 5;
/** Envoy's kPatternMatchingMaxVariableNameLen. */
const MAX_NAME_LENGTH = 16;

/** What globs and literals are made of: RFC 3986 pchar, whose escapes nobody checks. */
const PCHAR = "a-zA-Z0-9\\-._~%!$&'()*+,;:@=";
const ONE_SEGMENT = `[${PCHAR}]+`;
const ANY_SEGMENTS = `[${PCHAR}/]*`;
const LITERAL = new RegExp(`^[${PCHAR}]+$`);
const PATTERN = /^\/[\x21-\x7e]*$/;
const NAME = /^[a-zA-Z][a-zA-Z0-9_]*$/;
/** All but `*`, which Envoy leaves in place as an operator. */
const SPECIAL = /[.\\+?()[\]{}|^$]/g;

/** Parses a template, or gives Envoy's reason for refusing it. */
export function parseUriTemplate(source: string): UriTemplate | { readonly error: string } {
  if (!PATTERN.test(source)) return { error: `Invalid pattern: "${source}"` };
  const parser = new TemplateParser();
  const error = parser.parse(source);
  if (error !== null) return { error };
  const regex = compileSafeRegex(parser.regex);
  return new ParsedTemplate(source, parser, 'error' in regex ? null : regex);
}

class ParsedTemplate implements UriTemplate {
  readonly source: string;
  readonly variables: readonly string[];
  readonly doubt: string | null;
  /** null: repetition of a repetition, which matches nothing. */
  readonly #regex: SafeRegex | null;

  constructor(source: string, parser: TemplateParser, regex: SafeRegex | null) {
    this.source = source;
    this.variables = parser.variables;
    this.doubt = parser.doubt;
    this.#regex = regex;
  }

  matches(path: string): boolean {
    return this.#regex?.matches(path) === true;
  }

  captures(path: string): readonly string[] | null {
    if (this.#regex === null || !this.#regex.matches(path)) return null;
    const groups = this.#regex.captures(path);
    return groups === null ? null : groups.slice(1).map((group) => group?.text ?? '');
  }
}

/** One pass from left to right; each method answers with an error, or null. */
class TemplateParser {
  readonly variables: string[] = [];
  regex = '^';
  doubt: string | null = null;
  /** `**` was seen: nothing of changing length may follow. */
  #hasTextGlob = false;

  parse(source: string): string | null {
    let rest = source;
    while (rest !== '') {
      rest = rest.slice(1);
      this.regex += '/';
      if (rest === '') break;
      const end = rest.indexOf('/', closingBracket(rest));
      const segment = end === -1 ? rest : rest.slice(0, end);
      const error = this.#segment(segment);
      if (error !== null) return error;
      rest = rest.slice(segment.length);
    }
    this.regex += '$';
    return null;
  }

  #segment(segment: string): string | null {
    const glob = segment.startsWith('**') ? '**' : '*';
    if (segment.startsWith(glob)) {
      return this.#glob(glob) ?? this.#suffix(segment.slice(glob.length), 'literal');
    }
    const open = segment.indexOf('{');
    if (open === -1) return this.#literal(segment, 'literal');
    const close = segment.indexOf('}', open);
    if (close === -1) {
      if (open > 0) return `Invalid literal: "${segment}"`;
      return `Unmatched variable bracket in mixed pattern: "${segment}"`;
    }
    const before = open === 0 ? null : this.#literal(segment.slice(0, open), 'prefix literal');
    if (before !== null) return before;
    const suffix = segment.slice(close + 1);
    if (suffix !== '' && !LITERAL.test(suffix)) return `Invalid suffix literal: "${suffix}"`;
    return this.#variable(segment.slice(open + 1, close)) ?? this.#suffix(suffix, 'suffix literal');
  }

  #suffix(text: string, kind: string): string | null {
    return text === '' ? null : this.#literal(text, kind);
  }

  #glob(glob: string): string | null {
    if (this.#hasTextGlob) return 'Glob after text glob.';
    this.#hasTextGlob = glob === '**';
    this.regex += glob === '**' ? ANY_SEGMENTS : ONE_SEGMENT;
    return null;
  }

  #literal(text: string, kind: string): string | null {
    if (!LITERAL.test(text)) return `Invalid ${kind}: "${text}"`;
    if (text.includes('*')) {
      this.doubt = `the * of '${text}' repeats the character before it, as in Envoy: only a segment that begins with * takes any text`;
    }
    this.regex += text.replace(SPECIAL, '\\$&');
    return null;
  }

  /** `name` or `name=pattern`. */
  #variable(text: string): string | null {
    const equals = text.indexOf('=');
    const name = equals === -1 ? text : text.slice(0, equals);
    const error = this.#name(name);
    if (error !== null) return error;
    this.regex += '(';
    const inner = equals === -1 ? this.#implicitGlob() : this.#pattern(text.slice(equals + 1));
    this.regex += ')';
    return inner;
  }

  #name(name: string): string | null {
    if (!NAME.test(name)) return `Invalid variable name: "${name}"`;
    if (name.length > MAX_NAME_LENGTH) {
      const rule = `should be at least 1 and no more than ${MAX_NAME_LENGTH}`;
      return `Invalid variable name length (length of "${name}" ${rule})`;
    }
    if (this.variables.length === MAX_VARIABLES) {
      return `Exceeded variable count limit (${MAX_VARIABLES})`;
    }
    if (this.variables.includes(name)) return `Repeated variable name: "${name}"`;
    this.variables.push(name);
    return null;
  }

  #implicitGlob(): string | null {
    if (this.#hasTextGlob) return 'Implicit variable path glob after text glob.';
    this.regex += ONE_SEGMENT;
    return null;
  }

  #pattern(pattern: string): string | null {
    if (pattern === '') return 'Empty variable match';
    let rest = pattern;
    for (;;) {
      const operator = operatorAt(rest);
      const glob = operator.startsWith('*');
      const error = glob ? this.#glob(operator) : this.#literal(operator, 'literal');
      if (error !== null) return error;
      rest = rest.slice(operator.length);
      if (rest === '') return null;
      if (!rest.startsWith('/') || rest === '/') return `Invalid variable match: "${rest}"`;
      this.regex += '/';
      rest = rest.slice(1);
    }
  }
}

/** `**`, `*`, or all up to the next slash. */
function operatorAt(rest: string): string {
  if (rest.startsWith('**')) return '**';
  if (rest.startsWith('*')) return '*';
  const slash = rest.indexOf('/');
  return slash === -1 ? rest : rest.slice(0, slash);
}

/** Where slashes end a segment: behind the variable that it begins with, if it does. */
function closingBracket(rest: string): number {
  return rest.startsWith('{') ? Math.max(0, rest.indexOf('}')) : 0;
}
