// Which names a peer's certificate is for: Envoy's subjectAltName matchers and expected names.
import type { SanMatcherConfig, TextMatchConfig } from '../model/secret.ts';
import type { Certificate, SubjectAltName } from '../x509/certificate.ts';
import { isUsableName } from '../x509/general-names.ts';

/** Of the names in a refusal: a certificate may have thousands, and a log line should not. */
const MAX_LISTED_CHARS = 4096;

/** True when some name of the certificate satisfies some matcher. */
export function matchesNames(
  { subjectAltNames }: Certificate,
  matchers: readonly SanMatcherConfig[],
): boolean {
  return subjectAltNames.some(
    (name) => isUsableName(name) && matchers.some((matcher) => matchesName(name, matcher)),
  );
}

/** True when the certificate is for a name of a host, URI, address or mailbox. */
export function isForName({ subjectAltNames }: Certificate, expected: string): boolean {
  return subjectAltNames.some((name) => {
    if (!isUsableName(name)) return false;
    return name.kind === 'dns' ? matchesDns(expected, name.value) : name.value === expected;
  });
}

function matchesName(name: SubjectAltName, { kind, oid, match }: SanMatcherConfig): boolean {
  if (name.kind !== kind || (kind === 'other' && name.oid !== oid)) return false;
  if (kind === 'dns' && match.kind === 'exact') return matchesDns(match.text, name.value);
  return matchesText(name.value, match);
}

/**
 * RFC 6125 §6.4: neither case counts, and a certificate's `*` stands for one whole label, the
 * left-most. Envoy takes a `*` inside of a label as well.
 */
export function matchesDns(host: string, pattern: string): boolean {
  const wanted = host.toLowerCase();
  const lower = pattern.toLowerCase();
  if (wanted === lower) return true;
  const dot = wanted.indexOf('.');
  return dot > 0 && lower.startsWith('*.') && lower.slice(1) === wanted.slice(dot);
}

/** type.matcher.v3.StringMatcher */
export function matchesText(value: string, match: TextMatchConfig): boolean {
  const text = match.ignoresCase ? match.text.toLowerCase() : match.text;
  const subject = match.ignoresCase ? value.toLowerCase() : value;
  switch (match.kind) {
    case 'exact':
      return subject === text;
    case 'prefix':
      return subject.startsWith(text);
    case 'suffix':
      return subject.endsWith(text);
    case 'contains':
      return subject.includes(text);
    case 'regex':
      return match.regex?.matches(value) === true;
  }
}

/** `[a, b]` for a log: controls as `\xNN`, and no more than fits. */
export function listNames({ subjectAltNames }: Certificate): string {
  const names: string[] = [];
  let length = 0;
  for (const { value } of subjectAltNames) {
    length += value.length;
    if (length > MAX_LISTED_CHARS) return `[${[...names, '...'].join(', ')}]`;
    names.push(escapeControls(value));
  }
  return `[${names.join(', ')}]`;
}

function escapeControls(text: string): string {
  return text.replace(
    /[\x00-\x1f\x7f-\x9f]/g,
    (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
