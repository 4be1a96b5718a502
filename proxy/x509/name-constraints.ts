// Name constraints (RFC 5280 §4.2.1.10): for which names an authority may speak.
import { type Certificate, EXTENSION } from './certificate.ts';
import { DER, DerReader } from './der-reader.ts';
import { type NameAttribute, parseName } from './distinguished-name.ts';
import { GENERAL_NAME, type GeneralName, readGeneralNames } from './general-names.ts';

/** Comparisons of one certificate with one authority; more is somebody playing. */
const MAX_COMPARISONS = 1_048_576;
const EMAIL_ATTRIBUTE = '1.2.840.113549.1.9.1';
const HOST_NAME = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?$/;

interface Subtrees {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

/** What an authority's constraints have against a certificate, in OpenSSL's words; '' : nothing. */
export function nameConstraintError(certificate: Certificate, authority: Certificate): string {
  const extension = authority.extensions.get(EXTENSION.nameConstraints);
  if (extension === undefined) return '';
  const trees = readSubtrees(extension.value);
  if (trees === null) return 'invalid or inconsistent certificate extension';
  const names = namesOf(certificate);
  if (names.length * (trees.permitted.length + trees.excluded.length) > MAX_COMPARISONS) {
    return 'unspecified certificate verification error';
  }
  for (const name of names) {
    const error = errorOf(name, trees);
    if (error !== '') return error;
  }
  return '';
}

/**
 * True for a leaf whose common name could be taken for a host's name, which no constraint would
 * ever see.
 */
export function hidesHostName(leaf: Certificate): boolean {
  return !leaf.extensions.has(EXTENSION.subjectAltName) && HOST_NAME.test(leaf.commonName);
}

/** null: malformed. */
function readSubtrees(value: Buffer): Subtrees | null {
  const document = DerReader.over(value);
  const constraints = document.read(DER.sequence);
  document.finish();
  const permitted = readTrees(constraints.readOptional(0xa0));
  const excluded = readTrees(constraints.readOptional(0xa1));
  constraints.finish();
  return document.error === null ? { permitted, excluded } : null;
}

/** GeneralSubtrees; RFC 5280 knows neither a minimum nor a maximum. */
function readTrees(list: DerReader | null): readonly GeneralName[] {
  const trees: GeneralName[] = [];
  while (list !== null && !list.isAtEnd) {
    const tree = list.read(DER.sequence);
    const { tag, content } = tree.readAny();
    tree.finish();
    trees.push({ tag, content });
  }
  return trees;
}

/** The subject, e-mail addresses in it, and the subjectAltNames. */
function namesOf({ subjectDer, extensions }: Certificate): readonly GeneralName[] {
  const names: GeneralName[] = [];
  const subject = parseName(subjectDer) ?? [];
  if (subject.length > 0) names.push({ tag: GENERAL_NAME.directory, content: subjectDer });
  for (const { type, text } of subject) {
    if (type !== EMAIL_ATTRIBUTE || text === null) continue;
    names.push({ tag: GENERAL_NAME.email, content: Buffer.from(text) });
  }
  const extension = extensions.get(EXTENSION.subjectAltName);
  if (extension === undefined) return names;
  return [...names, ...readGeneralNames(DerReader.over(extension.value).read(DER.sequence))];
}

function errorOf(name: GeneralName, { permitted, excluded }: Subtrees): string {
  let isPermitted = !permitted.some(({ tag }) => tag === name.tag);
  for (const tree of permitted) {
    if (isPermitted || tree.tag !== name.tag) continue;
    const isInside = matches(name, tree);
    if (isInside === null) return 'unsupported name constraint type';
    isPermitted = isInside;
  }
  if (!isPermitted) return 'permitted subtree violation';
  for (const tree of excluded) {
    if (tree.tag !== name.tag) continue;
    const isInside = matches(name, tree);
    if (isInside === null) return 'unsupported name constraint type';
    if (isInside) return 'excluded subtree violation';
  }
  return '';
}

/** null: nobody here knows how such names are constrained. */
function matches(name: GeneralName, tree: GeneralName): boolean | null {
  const text = name.content.toString('latin1').toLowerCase();
  const base = tree.content.toString('latin1').toLowerCase();
  switch (name.tag) {
    case GENERAL_NAME.dns:
      return base === '' || isHostOrBelow(text, base);
    case GENERAL_NAME.email:
      return isEmailInside(name.content.toString('latin1'), tree.content.toString('latin1'));
    case GENERAL_NAME.uri:
      return isHostInside(hostOfUri(text), base);
    case GENERAL_NAME.ip:
      return isIpInside(name.content, tree.content);
    case GENERAL_NAME.directory:
      return isNameInside(name.content, tree.content);
    default:
      return null;
  }
}

function isHostOrBelow(host: string, base: string): boolean {
  if (base.startsWith('.')) return host.endsWith(base);
  return host === base || host.endsWith(`.${base}`);
}

/** Of URIs and e-mail: a base with a dot in front is for hosts below it, one without for itself. */
function isHostInside(host: string, base: string): boolean {
  if (host === '') return false;
  return base.startsWith('.') ? host.endsWith(base) && host !== base : host === base;
}

function hostOfUri(uri: string): string {
  return /^[^:]+:\/\/([^/:?#]+)/.exec(uri)?.[1] ?? '';
}

function isEmailInside(email: string, base: string): boolean {
  const at = email.lastIndexOf('@');
  const baseAt = base.lastIndexOf('@');
  const host = email.slice(at + 1).toLowerCase();
  if (at < 0) return false;
  if (baseAt < 0) return isHostInside(host, base.toLowerCase());
  const isSameUser = baseAt === 0 || email.slice(0, at) === base.slice(0, baseAt);
  return isSameUser && host === base.slice(baseAt + 1).toLowerCase();
}

/** The base is an address and its mask. */
function isIpInside(address: Buffer, base: Buffer): boolean {
  if (base.length !== address.length * 2) return false;
  return address.every((octet, index) => {
    const mask = base[address.length + index] ?? 0;
    return (octet & mask) === ((base[index] ?? 0) & mask);
  });
}

/** The base is the beginning of the name. */
function isNameInside(nameDer: Buffer, baseDer: Buffer): boolean {
  const name = canonicalGroups(parseName(nameDer));
  const base = canonicalGroups(parseName(baseDer));
  if (name === null || base === null) return false;
  return base.every((group, index) => name[index] === group);
}

/** RFC 5280 §7.1: neither case nor the amount of white space counts. */
function canonicalGroups(name: readonly NameAttribute[] | null): readonly string[] | null {
  if (name === null) return null;
  const groups: string[][] = [];
  for (const { type, text, der, group } of name) {
    const value = text?.trim().replace(/\s+/g, ' ').toLowerCase() ?? der.toString('hex');
    groups[group] = [...(groups[group] ?? []), JSON.stringify([type, value])];
  }
  return groups.map((group) => group.sort().join());
}
