// The flags of `outrigger ca`: what commander gives, and what is made of it.
import type { Authority } from '../../ca/authority.ts';
import {
  DEFAULT_NAMESPACE,
  DEFAULT_TRUST_DOMAIN,
  nameFault,
  type WantedName,
  workloadId,
} from '../../ca/identity.ts';
import { DEFAULT_KEY_KIND, isKeyKind, KEY_KINDS, type KeyKind } from '../../ca/keys.ts';
import { subjectAltNamesOf } from '../../x509/certificate.ts';
import { parseSpiffeId } from '../../x509/spiffe-id.ts';

/** `ca init` */
export interface InitFlags {
  readonly dir: string;
  readonly trustDomain?: string;
  readonly key?: string;
  readonly rootDays?: string;
  readonly intermediateDays?: string;
  readonly force?: boolean;
}

/** Names and lifetime of a certificate. */
export interface NameFlags {
  readonly ca: string;
  readonly namespace?: string;
  readonly serviceAccount?: readonly string[];
  readonly trustDomain?: string;
  readonly spiffe?: readonly string[];
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
  readonly commonName?: string;
  readonly days?: string;
  readonly hours?: string;
  readonly force?: boolean;
}

/** `ca issue` */
export interface IssueFlags extends NameFlags {
  readonly out?: string;
  readonly key?: string;
  readonly init?: boolean;
}

/** `ca sign` */
export interface SignFlags extends NameFlags {
  readonly out?: string;
  readonly namesFromRequest?: boolean;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Time enough to try things out; meshes take a day. */
const DEFAULT_LIFETIME_MS = 30 * DAY_MS;
const MAX_DAYS = 36_500;
const DAYS_OF_ROOT = '3650';
const DAYS_OF_INTERMEDIATE = '730';
/** ub-common-name of RFC 5280. */
const MAX_COMMON_NAME = 64;

/** Lifetimes of new authorities, in ms. */
export function authorityLifetimes(flags: InitFlags, errors: string[]) {
  const root = { flag: '--root-days', text: flags.rootDays ?? DAYS_OF_ROOT };
  const below = {
    flag: '--intermediate-days',
    text: flags.intermediateDays ?? DAYS_OF_INTERMEDIATE,
  };
  return {
    rootLifetimeMs: wholeNumber(root, errors) * DAY_MS,
    intermediateLifetimeMs: wholeNumber(below, errors) * DAY_MS,
  };
}

/** Lifetime of a certificate in ms, no longer than its authority when nobody asked for more. */
export function lifetimeOf(
  { days, hours }: NameFlags,
  limits: { readonly authority: Authority; readonly nowMs: number },
  errors: string[],
): number {
  const leftMs = limits.authority.certificate.notAfterMs - limits.nowMs;
  if (leftMs <= 0) errors.push('the authority has expired: make another one');
  if (days !== undefined && hours !== undefined) errors.push('give --days or --hours, not both');
  if (days === undefined && hours === undefined) return Math.min(DEFAULT_LIFETIME_MS, leftMs);
  const wished =
    days === undefined
      ? wholeNumber({ flag: '--hours', text: hours ?? '' }, errors) * HOUR_MS
      : wholeNumber({ flag: '--days', text: days }, errors) * DAY_MS;
  if (wished > leftMs && leftMs > 0) {
    errors.push(`the authority itself is valid for ${Math.floor(leftMs / HOUR_MS)} more hours`);
  }
  return wished;
}

/** The kind of key that a flag names. */
export function keyKindOf(text: string | undefined, errors: string[]): KeyKind {
  if (text === undefined) return DEFAULT_KEY_KIND;
  if (isKeyKind(text)) return text;
  errors.push(`--key: '${text}' is none of ${KEY_KINDS.join(', ')}`);
  return DEFAULT_KEY_KIND;
}

/** The trust domain that an authority is for, by its own name. */
export function trustDomainOf({ certificate }: Authority): string {
  for (const uri of subjectAltNamesOf(certificate, 'uri')) {
    const id = parseSpiffeId(uri);
    if (!('error' in id)) return id.trustDomain;
  }
  return DEFAULT_TRUST_DOMAIN;
}

/** Ids of workloads, by service account. */
export function workloadsOf(
  flags: NameFlags,
  trustDomain: string,
  errors: string[],
): readonly { readonly serviceAccount: string; readonly id: string }[] {
  const namespace = flags.namespace ?? DEFAULT_NAMESPACE;
  return (flags.serviceAccount ?? []).flatMap((serviceAccount) => {
    const id = workloadId({ trustDomain, namespace, serviceAccount });
    if (typeof id === 'string') return [{ serviceAccount, id }];
    errors.push(id.error);
    return [];
  });
}

/** Names that were given one by one. */
export function plainNames(flags: NameFlags, errors: string[]): readonly WantedName[] {
  const names: WantedName[] = [
    ...(flags.spiffe ?? []).map((value) => ({ kind: 'uri' as const, value })),
    ...(flags.dns ?? []).map((value) => ({ kind: 'dns' as const, value })),
    ...(flags.ip ?? []).map((value) => ({ kind: 'ip' as const, value })),
  ];
  for (const name of names) {
    const fault = nameFault(name);
    if (fault !== null) errors.push(fault);
  }
  return names;
}

/** null: none was given. */
export function commonNameOf({ commonName }: NameFlags, errors: string[]): string | null {
  if (commonName === undefined) return null;
  const isFit = commonName !== '' && [...commonName].length <= MAX_COMMON_NAME;
  if (!isFit) errors.push(`--common-name: from 1 to ${MAX_COMMON_NAME} characters`);
  return commonName;
}

/** X509-SVID §2: a certificate with two URIs is nobody's identity. */
export function checkIdentities(names: readonly WantedName[], errors: string[]): void {
  const uris = names.filter(({ kind }) => kind === 'uri');
  if (uris.length > 1) {
    errors.push(
      `one SPIFFE id in a certificate, not ${uris.length}: ${uris.map(({ value }) => value).join(', ')}`,
    );
  }
  if (names.length === 0) {
    errors.push('no name: give --service-account, --spiffe, --dns or --ip');
  }
}

function wholeNumber(
  { flag, text }: { readonly flag: string; readonly text: string },
  errors: string[],
): number {
  const number = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  const most = flag === '--hours' ? MAX_DAYS * 24 : MAX_DAYS;
  if (number >= 1 && number <= most) return number;
  errors.push(`${flag}: '${text}' is not a whole number from 1 to ${most}`);
  return 1;
}
