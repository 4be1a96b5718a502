// The parts of resolv.conf(5) and hosts(5) that questions to DNS servers need.

/** What resolv.conf says. */
export interface ResolvConf {
  readonly hasServers: boolean;
  readonly search: readonly string[];
  /** Names with fewer dots are tried with the search domains first. Default 1. */
  readonly ndots: number;
}

/** resolv.conf(5): larger values count as this one. */
const MAX_NDOTS = 15;

/** Parses a file; the last `search` or `domain` counts. */
export function parseResolvConf(text: string): ResolvConf {
  let search: readonly string[] = [];
  let [hasServers, ndots] = [false, 1];
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.split(/[#;]/)[0]?.trim().split(/\s+/) ?? [];
    if (keyword === 'nameserver') hasServers ||= values.length > 0;
    else if (keyword === 'search') search = values;
    else if (keyword === 'domain') search = values.slice(0, 1);
    else if (keyword === 'options') ndots = ndotsOf(values) ?? ndots;
  }
  return { hasServers, search, ndots };
}

/** The names to ask for, in order, until one has an address. */
export function candidateNames(name: string, { search, ndots }: ResolvConf): readonly string[] {
  if (name.endsWith('.')) return [name];
  const searched = search.map((domain) => `${name}.${domain.replace(/\.$/, '')}`);
  const dots = name.split('.').length - 1;
  return dots >= ndots ? [name, ...searched] : [...searched, name];
}

/** Addresses that a hosts file gives for a name. */
export function hostsEntries(text: string, name: string): readonly string[] {
  const wanted = name.replace(/\.$/, '').toLowerCase();
  return text.split('\n').flatMap((line) => {
    const [ip = '', ...names] = line.split('#')[0]?.trim().split(/\s+/) ?? [];
    return names.some((each) => each.toLowerCase() === wanted) ? [ip] : [];
  });
}

function ndotsOf(options: readonly string[]): number | null {
  const option = options.find((each) => /^ndots:\d+$/.test(each));
  return option === undefined ? null : Math.min(Number(option.slice(6)), MAX_NDOTS);
}
