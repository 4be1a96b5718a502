// `outrigger ca init`, `issue` and `sign`: an authority in a folder, and what it certifies.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Authority, Issued } from '../../ca/authority.ts';
import {
  type CredentialFile,
  WORKLOAD_FILES,
  writeCredentials,
} from '../../ca/credential-files.ts';
import { DEFAULT_TRUST_DOMAIN, nameFault, type WantedName } from '../../ca/identity.ts';
import { generateKey, keyPem } from '../../ca/keys.ts';
import { readSigningRequest } from '../../ca/signing-request.ts';
import { SYSTEM_CLOCK } from '../../server/system-clock.ts';
import { trustDomainError } from '../../x509/spiffe-id.ts';
import { EXIT_FAILURE, EXIT_OK, EXIT_USAGE } from '../exit-codes.ts';
import {
  authorityLifetimes,
  checkIdentities,
  commonNameOf,
  type InitFlags,
  type IssueFlags,
  keyKindOf,
  lifetimeOf,
  plainNames,
  type SignFlags,
  trustDomainOf,
  workloadsOf,
} from './ca-flags.ts';
import { CA_FILES, createCaFolder, openCaFolder } from './ca-folder.ts';
import { configurationHint } from './configuration-hint.ts';

/** Makes an authority. */
export async function initCa(flags: InitFlags): Promise<number> {
  const exitCode = await makeCa(flags);
  if (exitCode === EXIT_OK) {
    console.log(`Next: outrigger ca issue --ca ${flags.dir} --service-account NAME`);
  }
  return exitCode;
}

async function makeCa(flags: InitFlags): Promise<number> {
  const errors: string[] = [];
  const trustDomain = flags.trustDomain ?? DEFAULT_TRUST_DOMAIN;
  const fault = trustDomainError(trustDomain);
  if (fault !== null) errors.push(`--trust-domain: '${trustDomain}': ${fault}`);
  const keyKind = keyKindOf(flags.key, errors);
  const lifetimes = authorityLifetimes(flags, errors);
  if (errors.length > 0) return usage('init', errors);
  const wish = { trustDomain, keyKind, ...lifetimes, nowMs: SYSTEM_CLOCK.wallMs() };
  const error = await createCaFolder(flags.dir, wish, flags.force === true);
  if (error !== null) return failure(withForceHint(error));
  console.log(`An authority for the trust domain ${trustDomain} is in ${flags.dir}/ (${keyKind}):`);
  console.log(`  ${CA_FILES.root}  the root: what peers trust`);
  console.log(`  ${CA_FILES.certificate}    the intermediate, which certifies workloads`);
  console.log(`  ${CA_FILES.key}     its key: whoever has it can be anybody`);
  console.log(`  ${CA_FILES.rootKey}   the root's key: not needed any more, keep it elsewhere`);
  return EXIT_OK;
}

/** Makes keys and certificates for workloads. */
export async function issueCertificates(flags: IssueFlags): Promise<number> {
  if (flags.init === true) {
    const exitCode = await makeMissingCa(flags);
    if (exitCode !== EXIT_OK) return exitCode;
  }
  const authority = openCaFolder(flags.ca);
  if ('error' in authority) return failure(authority.error);
  const errors: string[] = [];
  const wishes = issueWishes(flags, authority, errors);
  const keyKind = keyKindOf(flags.key, errors);
  const nowMs = SYSTEM_CLOCK.wallMs();
  const lifetimeMs = lifetimeOf(flags, { authority, nowMs }, errors);
  const commonName = commonNameOf(flags, errors);
  if (errors.length > 0) return usage('issue', errors);
  const subject = { organization: null, commonName };
  const files: CredentialFile[] = [];
  for (const { dir, names } of wishes) {
    const key = await generateKey(keyKind);
    const issued = authority.issue({ key, names, subject, lifetimeMs, nowMs });
    files.push(...workloadFiles(dir, issued, keyPem(key)));
  }
  const error = writeCredentials(files, { replaces: flags.force === true });
  if (error !== null) return failure(withForceHint(error));
  const until = timeText(Math.min(nowMs + lifetimeMs, authority.certificate.notAfterMs));
  for (const { dir, names } of wishes) {
    const text = names.map(({ value }) => value).join(', ');
    console.log(`${dir}/{${Object.values(WORKLOAD_FILES).join(',')}}: ${text}, until ${until}`);
  }
  const [first] = wishes;
  const last = wishes.at(-1);
  if (first !== undefined && last !== undefined) {
    process.stdout.write(configurationHint({ client: first, server: last }));
  }
  return EXIT_OK;
}

/** For `issue --init`: under the same trust domain and with the same kind of key. */
async function makeMissingCa({ ca, trustDomain, key }: IssueFlags): Promise<number> {
  if (existsSync(join(ca, CA_FILES.certificate))) return EXIT_OK;
  return await makeCa({
    dir: ca,
    ...(trustDomain === undefined ? {} : { trustDomain }),
    ...(key === undefined ? {} : { key }),
  });
}

function workloadFiles(dir: string, issued: Issued, key: string): readonly CredentialFile[] {
  return [
    { path: join(dir, WORKLOAD_FILES.key), content: key },
    { path: join(dir, WORKLOAD_FILES.chain), content: issued.chainPem },
    { path: join(dir, WORKLOAD_FILES.root), content: issued.rootPem },
  ];
}

/** Certifies the key of a request. */
export function signRequest(file: string, flags: SignFlags): number {
  const text = readText(file);
  if (typeof text !== 'string') return failure(text.error);
  const request = readSigningRequest(text);
  if ('error' in request) return failure(`${file}: ${request.error}`);
  const authority = openCaFolder(flags.ca);
  if ('error' in authority) return failure(authority.error);
  const errors: string[] = [];
  const asked = flags.namesFromRequest === true ? namesOf(request.subjectAltNames, errors) : [];
  const workloads = workloadsOf(flags, flags.trustDomain ?? trustDomainOf(authority), errors);
  const ids = workloads.map(({ id }) => ({ kind: 'uri' as const, value: id }));
  const names = [...ids, ...plainNames(flags, errors), ...asked];
  checkIdentities(names, errors);
  const nowMs = SYSTEM_CLOCK.wallMs();
  const lifetimeMs = lifetimeOf(flags, { authority, nowMs }, errors);
  const subject = { organization: null, commonName: commonNameOf(flags, errors) };
  if (errors.length > 0) return usage('sign', errors);
  const wish = { key: request.publicKey, names, subject, lifetimeMs, nowMs };
  const { chainPem } = authority.issue(wish);
  if (flags.out === undefined) {
    process.stdout.write(chainPem);
    return EXIT_OK;
  }
  const content = { path: flags.out, content: chainPem };
  const error = writeCredentials([content], { replaces: flags.force === true });
  if (error !== null) return failure(withForceHint(error));
  console.log(`${flags.out}: ${names.map(({ value }) => value).join(', ')}`);
  return EXIT_OK;
}

/** One certificate for each service account, or one for names that were given one by one. */
function issueWishes(flags: IssueFlags, authority: Authority, errors: string[]) {
  const others = plainNames(flags, errors);
  const workloads = workloadsOf(flags, flags.trustDomain ?? trustDomainOf(authority), errors);
  const out = flags.out ?? 'certs';
  const wishes = workloads.map(({ serviceAccount, id }) => {
    // With --out and one certificate, the folder is just that.
    const isOnly = flags.out !== undefined && workloads.length === 1;
    const names: readonly WantedName[] = [{ kind: 'uri', value: id }, ...others];
    return { dir: isOnly ? out : join(out, serviceAccount), names };
  });
  if (wishes.length === 0 && errors.length === 0) {
    const folder = others.find(({ kind }) => kind !== 'uri')?.value ?? lastStep(others[0]?.value);
    const dir = flags.out ?? join(out, folder.replace('*', '_'));
    wishes.push({ dir, names: others });
  }
  for (const { names } of wishes) checkIdentities(names, errors);
  return wishes;
}

function lastStep(uri = ''): string {
  return uri.slice(uri.lastIndexOf('/') + 1);
}

/** Names that a request asks for, as far as they are of a kind that we certify. */
function namesOf(
  wanted: readonly { readonly kind: string; readonly value: string }[],
  errors: string[],
): readonly WantedName[] {
  return wanted.flatMap(({ kind, value }) => {
    if (kind !== 'uri' && kind !== 'dns' && kind !== 'ip') {
      errors.push(`the request asks for a name of kind ${kind}, which is not certified`);
      return [];
    }
    const fault = nameFault({ kind, value });
    if (fault !== null) errors.push(`the request asks for ${fault}`);
    return [{ kind, value }];
  });
}

function readText(file: string): string | { readonly error: string } {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    return { error: `${file} cannot be read: ${(error as NodeJS.ErrnoException).code}` };
  }
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function withForceHint(error: string): string {
  return error.startsWith('there already') ? `${error}; --force replaces them` : error;
}

function usage(command: string, errors: readonly string[]): number {
  for (const error of errors) console.error(`error: ${error}`);
  console.error(`Try 'outrigger ca ${command} --help'.`);
  return EXIT_USAGE;
}

function failure(error: string): number {
  console.error(`error: ${error}`);
  return EXIT_FAILURE;
}
