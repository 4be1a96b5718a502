// cipher_suites in BoringSSL's language, evaluated here into a plain list of suites that OpenSSL
// knows by the same names: groups `[A|B]`, aliases, `!`, `-` and `+` mean what they mean there.

/** Suites of TLS 1.3, in the order of preference; no field chooses among them. */
export const TLS13_SUITES: readonly string[] = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
];

/** Envoy's default, groups flattened: OpenSSL has no suites of equal preference. */
export const DEFAULT_CIPHER_SUITES =
  '[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]:[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384';

/** Known to BoringSSL, and never used: there are no pre-shared keys, and those of 1.3 are all on. */
const IDLE_NAMES: ReadonlySet<string> = new Set([
  ...TLS13_SUITES,
  'PSK-AES128-CBC-SHA',
  'PSK-AES256-CBC-SHA',
  'ECDHE-PSK-AES128-CBC-SHA',
  'ECDHE-PSK-AES256-CBC-SHA',
  'ECDHE-PSK-CHACHA20-POLY1305',
]);

interface Suite {
  readonly name: string;
  readonly standardName: string;
  /** Aliases that mean it among others. */
  readonly tags: ReadonlySet<string>;
}

/** `name standard-name tags`: what both BoringSSL and OpenSSL have, in BoringSSL's order. */
const SUITES: readonly Suite[] = [
  'ECDHE-ECDSA-AES128-GCM-SHA256 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 ECDHE ECDSA AES128 AESGCM SHA256 1.2',
  'ECDHE-ECDSA-CHACHA20-POLY1305 TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 ECDHE ECDSA CHACHA20 SHA256 1.2',
  'ECDHE-RSA-AES128-GCM-SHA256 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 ECDHE RSA AES128 AESGCM SHA256 1.2',
  'ECDHE-RSA-CHACHA20-POLY1305 TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 ECDHE RSA CHACHA20 SHA256 1.2',
  'ECDHE-ECDSA-AES256-GCM-SHA384 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 ECDHE ECDSA AES256 AESGCM SHA384 1.2',
  'ECDHE-RSA-AES256-GCM-SHA384 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 ECDHE RSA AES256 AESGCM SHA384 1.2',
  'ECDHE-ECDSA-AES128-SHA256 TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256 ECDHE ECDSA AES128 CBC SHA256 1.2',
  'ECDHE-RSA-AES128-SHA256 TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256 ECDHE RSA AES128 CBC SHA256 1.2',
  'ECDHE-ECDSA-AES128-SHA TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA ECDHE ECDSA AES128 CBC SHA1 1',
  'ECDHE-RSA-AES128-SHA TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA ECDHE RSA AES128 CBC SHA1 1',
  'ECDHE-ECDSA-AES256-SHA TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA ECDHE ECDSA AES256 CBC SHA1 1',
  'ECDHE-RSA-AES256-SHA TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA ECDHE RSA AES256 CBC SHA1 1',
  'AES128-GCM-SHA256 TLS_RSA_WITH_AES_128_GCM_SHA256 kRSA RSA AES128 AESGCM SHA256 1.2',
  'AES256-GCM-SHA384 TLS_RSA_WITH_AES_256_GCM_SHA384 kRSA RSA AES256 AESGCM SHA384 1.2',
  'AES128-SHA TLS_RSA_WITH_AES_128_CBC_SHA kRSA RSA AES128 CBC SHA1 1',
  'AES256-SHA TLS_RSA_WITH_AES_256_CBC_SHA kRSA RSA AES256 CBC SHA1 1',
].map((line) => {
  const [name = '', standardName = '', exchange = '', auth = '', ...rest] = line.split(' ');
  return { name, standardName, tags: new Set(tagsOf(exchange, auth, rest)) };
});

/** The names that `cipher_suites` may list. */
export const CIPHER_NAMES: readonly string[] = SUITES.map(({ name }) => name);

function tagsOf(exchange: string, auth: string, rest: readonly string[]): string[] {
  const [cipher = '', ...others] = rest;
  const tags = ['ALL', 'DEFAULT', 'HIGH', 'FIPS', `a${auth}`, cipher, ...others.slice(0, -1)];
  if (cipher.startsWith('AES')) tags.push('AES');
  if (exchange === 'ECDHE') tags.push('ECDHE', 'EECDH', 'kECDHE', 'kEECDH');
  if (exchange === 'kRSA') tags.push('kRSA', 'RSA');
  if (auth === 'ECDSA') tags.push('ECDSA');
  if (tags.includes('SHA1')) tags.push('SHA');
  tags.push(others.at(-1) === '1.2' ? 'TLSv1.2' : 'TLSv1');
  return tags;
}

const ALIASES: ReadonlySet<string> = new Set(SUITES.flatMap(({ tags }) => [...tags]));

/** Suites in the order of preference, or what of `text` means nothing. */
export type CipherList =
  | { readonly ok: true; readonly suites: readonly string[] }
  | { readonly ok: false; readonly unknown: readonly string[] };

/** Evaluates a list whose parts are joined by `:`, or one of the other separators. */
export function evaluateCiphers(text: string): CipherList {
  const list = new SuiteList();
  const unknown: string[] = [];
  for (const part of text.split(/[:,; ]/)) {
    if (part === '') continue;
    if (!list.apply(part)) unknown.push(part);
  }
  return unknown.length > 0 ? { ok: false, unknown } : { ok: true, suites: list.names };
}

/** The list while its rules are applied. */
class SuiteList {
  #chosen: Suite[] = [];
  readonly #killed = new Set<Suite>();

  get names(): readonly string[] {
    return this.#chosen.map(({ name }) => name);
  }

  /** False: the rule means nothing. */
  apply(part: string): boolean {
    if (part === '@STRENGTH') return true;
    const group = /^\[(.*)\]$/.exec(part);
    if (group !== null) return (group[1] ?? '').split('|').every((name) => this.#add(name));
    const found = suitesOf(part.replace(/^[!+-]/, ''));
    if (found === null) return false;
    if (part.startsWith('!')) for (const suite of found) this.#killed.add(suite);
    if (/^[!-]/.test(part)) this.#remove(found);
    else if (part.startsWith('+')) this.#moveToEnd(found);
    else this.#add(part);
    return true;
  }

  #add(name: string): boolean {
    const found = suitesOf(name);
    if (found === null) return false;
    for (const suite of found) {
      if (!this.#killed.has(suite) && !this.#chosen.includes(suite)) this.#chosen.push(suite);
    }
    return true;
  }

  #remove(suites: readonly Suite[]): void {
    this.#chosen = this.#chosen.filter((suite) => !suites.includes(suite));
  }

  #moveToEnd(suites: readonly Suite[]): void {
    const moved = this.#chosen.filter((suite) => suites.includes(suite));
    this.#remove(suites);
    this.#chosen.push(...moved);
  }
}

/** What a name, or aliases joined by `+`, mean; null: nothing. */
function suitesOf(text: string): readonly Suite[] | null {
  if (IDLE_NAMES.has(text)) return [];
  const named = SUITES.find(({ name, standardName }) => name === text || standardName === text);
  if (named !== undefined) return [named];
  const aliases = text.split('+');
  if (!aliases.every((alias) => ALIASES.has(alias))) return null;
  return SUITES.filter(({ tags }) => aliases.every((alias) => tags.has(alias)));
}
