// Turns dotted names into a metric name and labels: Envoy's default tags, the bootstrap's own, and
// fixed ones. Runs when somebody scrapes; each name is worked out once.
import { compileSafeRegex, type SafeRegex } from '../base/safe-regex.ts';
import { DEFAULT_TAGS, type DefaultTag } from './default-tags.ts';

/** config.metrics.v3.TagSpecifier: a regex on names, or a fixed value on every metric. */
export type StatsTag =
  | { readonly name: string; readonly regex: string }
  | { readonly name: string; readonly fixedValue: string };

/** A name without its tags' parts, and the tags in the order they are printed. */
export interface TaggedName {
  readonly name: string;
  /** Name and value of each tag, alternating. */
  readonly tags: readonly string[];
}

/** What one tag takes out of a name: the value, and which part of the name goes. */
interface Extract {
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** One way to find one tag. */
interface Extractor {
  readonly tag: string;
  /** First token of the names it applies to; null: every name. */
  readonly firstToken: string | null;
  extract(name: string, tokens: readonly string[]): Extract | null;
}

/** How many names are remembered before all are forgotten: a bound for names that come and go. */
const CACHE_LIMIT = 200_000;

/** Extracts the tags of statistics' names. */
export class TagExtractor {
  /** Those for every name come first, then those bound to a first token, each in table order. */
  readonly #anywhere: readonly Extractor[];
  readonly #byFirstToken = new Map<string, Extractor[]>();
  readonly #cache = new Map<string, TaggedName>();

  /** `custom` is stats_config.stats_tags; throws when a regex in it does not compile. */
  constructor(useDefaultTags: boolean, custom: readonly StatsTag[]) {
    const defaults = DEFAULT_TAGS.map(defaultExtractor);
    const all = useDefaultTags ? [...defaults] : [];
    for (const tag of custom) all.push(...customExtractors(tag, defaults));
    this.#anywhere = all.filter((extractor) => extractor.firstToken === null);
    for (const extractor of all) {
      if (extractor.firstToken === null) continue;
      const list = this.#byFirstToken.get(extractor.firstToken) ?? [];
      list.push(extractor);
      this.#byFirstToken.set(extractor.firstToken, list);
    }
  }

  /** The metric name and tags of a dotted name. */
  extract(name: string): TaggedName {
    const known = this.#cache.get(name);
    if (known !== undefined) return known;
    if (this.#cache.size >= CACHE_LIMIT) this.#cache.clear();
    const tagged = this.#work(name);
    this.#cache.set(name, tagged);
    return tagged;
  }

  #work(name: string): TaggedName {
    const tokens = name.split('.');
    const tags = new Map<string, string>();
    const cuts: Extract[] = [];
    const bound = this.#byFirstToken.get(tokens[0] ?? '') ?? [];
    for (const extractor of [...this.#anywhere, ...bound]) {
      if (tags.has(extractor.tag)) continue;
      const found = extractor.extract(name, tokens);
      if (found === null) continue;
      tags.set(extractor.tag, found.value);
      cuts.push(found);
    }
    return { name: withoutCuts(name, cuts), tags: [...tags].flat() };
  }
}

function withoutCuts(name: string, cuts: readonly Extract[]): string {
  let kept = '';
  let at = 0;
  for (const cut of [...cuts].sort((a, b) => a.start - b.start)) {
    if (cut.start > at) kept += name.slice(at, cut.start);
    at = Math.max(at, cut.end);
  }
  const rest = kept + name.slice(at);
  // As Envoy: a last part that is empty leaves no trace.
  return rest.endsWith('.') ? rest.slice(0, -1) : rest;
}

function defaultExtractor(tag: DefaultTag): Extractor {
  if ('tokens' in tag) return tokenExtractor(tag.name, tag.tokens.split('.'));
  return {
    tag: tag.name,
    firstToken: tag.firstToken,
    extract(name) {
      const match = tag.regex.exec(name);
      if (match === null) return null;
      const [whole, cut = '', value = ''] = match;
      // The cut is unique in the match by construction of the table: its last place is the group's.
      const start = match.index + whole.lastIndexOf(cut);
      return { value, start, end: start + cut.length };
    },
  };
}

function tokenExtractor(tag: string, pattern: readonly string[]): Extractor {
  const valueAt = pattern.indexOf('$');
  return {
    tag,
    firstToken: pattern[0] ?? '',
    extract(_name, tokens) {
      if (!tokensMatch(pattern, tokens)) return null;
      const value = tokens[valueAt] ?? '';
      const before = tokens.slice(0, valueAt).join('.').length;
      // A value in the middle goes with the dot after it, one at the end with the dot before it.
      const isLast = valueAt === tokens.length - 1;
      const start = isLast ? before : before + 1;
      return { value, start, end: start + value.length + 1 };
    },
  };
}

function tokensMatch(pattern: readonly string[], tokens: readonly string[]): boolean {
  const open = pattern.at(-1) === '**';
  const fixed = open ? pattern.length - 1 : pattern.length;
  if (open ? tokens.length <= fixed : tokens.length !== fixed) return false;
  for (let index = 0; index < fixed; index += 1) {
    const wanted = pattern[index];
    if (wanted !== '*' && wanted !== '$' && wanted !== tokens[index]) return false;
  }
  return true;
}

function customExtractors(tag: StatsTag, defaults: readonly Extractor[]): readonly Extractor[] {
  if ('fixedValue' in tag) {
    const extract = { value: tag.fixedValue, start: 0, end: 0 };
    return [{ tag: tag.name, firstToken: null, extract: () => extract }];
  }
  // Envoy TagSpecifier.regex: an empty one asks for the default tag of that name.
  if (tag.regex === '') return defaults.filter((extractor) => extractor.tag === tag.name);
  const regex = compileSafeRegex(tag.regex);
  if ('error' in regex) throw new Error(`stats tag ${tag.name}: ${regex.error}`);
  return [regexExtractor(tag.name, regex)];
}

function regexExtractor(tag: string, regex: SafeRegex): Extractor {
  const prefix = /^\^(\w+)(?:\\\.|\(\?=\\\.\)|$)/.exec(regex.source);
  return {
    tag,
    firstToken: prefix?.[1] ?? null,
    extract(name) {
      const groups = regex.captures(name);
      const cut = groups?.[1] ?? null;
      if (groups === null || cut === null) return null;
      const value = groups[2]?.text ?? cut.text;
      return { value, start: cut.start, end: cut.start + cut.text.length };
    },
  };
}
