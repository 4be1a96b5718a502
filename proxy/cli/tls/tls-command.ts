// `outrigger tls HOST:PORT`: what a server offers, and whether we would accept it.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { SYSTEM_CLOCK } from '../../server/system-clock.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { parseCertificate } from '../../x509/parse-certificate.ts';
import { certificateJson, certificateLines, chainFault, printable } from '../certificate-text.ts';
import { EXIT_FAILURE, EXIT_OK, EXIT_USAGE } from '../exit-codes.ts';
import { type ClientContext, type ContextFlags, clientContext } from './client-context.ts';
import { findOffer, type Offer } from './offer.ts';
import type { ProbeTarget } from './probe.ts';
import { type Verdict, verdictOn } from './verdict.ts';

/** The command's flags as commander gives them. */
export interface TlsFlags extends ContextFlags {
  readonly json?: boolean;
}

const MAX_PORT = 65_535;
const LABEL_WIDTH = 20;

/** Prints both; fails when the server is not reached or would be refused. */
export async function showTls(address: string, flags: TlsFlags): Promise<number> {
  const errors: string[] = [];
  const place = readPlace(address, errors);
  checkFlags(flags, errors);
  if (place === null || errors.length > 0) {
    for (const error of errors) console.error(`error: ${error}`);
    console.error("Try 'outrigger tls --help'.");
    return EXIT_USAGE;
  }
  const context = describesContext(flags) ? clientContext(flags) : null;
  if (context !== null && 'error' in context) {
    if (context.error !== null) console.error(`error: ${context.error}`);
    return EXIT_FAILURE;
  }
  const found = await findings(
    address,
    { ...place, ...presented(context, place.host, flags) },
    context,
  );
  if ('error' in found) {
    console.error(`error: ${address}: ${found.error}`);
    return EXIT_FAILURE;
  }
  const print = flags.json === true ? printJson : printText;
  print(found);
  const isFine = found.verdict?.kind !== 'refused' && found.offer.refusal === '';
  return isFine ? EXIT_OK : EXIT_FAILURE;
}

/** What the server is shown of us. */
function presented(
  context: ClientContext | null,
  host: string,
  flags: TlsFlags,
): Pick<ProbeTarget, 'own' | 'serverName'> {
  const fixedName = context?.tls.serverName ?? '';
  const serverName = flags.sni ?? (fixedName === '' ? nameOf(host) : fixedName);
  return { serverName, own: context === null ? null : ownCertificate(context) };
}

async function findings(
  address: string,
  target: ProbeTarget,
  context: ClientContext | null,
): Promise<Findings | { readonly error: string }> {
  const found = await findOffer(target);
  if ('error' in found) return found;
  const isJudging = context !== null && context.tls.validation !== null;
  const verdict = isJudging ? await judged(target, context) : null;
  return { address, target, offer: found.offer, verdict };
}

interface Findings {
  readonly address: string;
  readonly target: ProbeTarget;
  readonly offer: Offer;
  /** null: there is nothing to judge by. */
  readonly verdict: Verdict | null;
}

/** A context that lacks a secret refuses everybody, as it does in the proxy. */
async function judged(target: ProbeTarget, context: ClientContext): Promise<Verdict> {
  const { missing } = context;
  if (missing.length === 0) return verdictOn(target, context);
  const names = missing.map((name) => `'${name}'`).join(', ');
  return { kind: 'refused', reason: `not supplied here: secret ${names}` };
}

/** Without such flags nothing of a configuration is loaded. */
function describesContext({ configPath, ca, cert }: TlsFlags): boolean {
  return configPath !== undefined || ca !== undefined || cert !== undefined;
}

/** RFC 6066 §3: addresses are no server names. */
function nameOf(host: string): string {
  return isIP(host) === 0 ? host : '';
}

function ownCertificate({ tls, secrets }: ClientContext): ProbeTarget['own'] {
  const [ref] = tls.certificates;
  if (ref === undefined) return null;
  const value = secrets.get(ref.key) ?? ref.initial;
  return value?.kind === 'certificate' ? value : null;
}

function readPlace(address: string, errors: string[]): { host: string; port: number } | null {
  const match = /^(?:\[([^\]]+)\]|([^:/]+)):(\d+)$/.exec(address);
  const port = Number(match?.[3] ?? 0);
  if (match !== null && port >= 1 && port <= MAX_PORT) {
    return { host: match[1] ?? match[2] ?? '', port };
  }
  errors.push(`'${address}' is no HOST:PORT`);
  return null;
}

function checkFlags(flags: TlsFlags, errors: string[]): void {
  const { configPath, cluster, ca, cert, key, san } = flags;
  if ((configPath === undefined) !== (cluster === undefined)) {
    errors.push('--cluster NAME and -c FILE go together');
  }
  const byHand = ca ?? cert ?? key ?? san?.[0];
  if (configPath !== undefined && byHand !== undefined) {
    errors.push('--ca, --san, --cert and --key: the cluster says that');
  }
  if ((cert === undefined) !== (key === undefined)) errors.push('--cert and --key go together');
  if (san !== undefined && ca === undefined && configPath === undefined) {
    errors.push(
      '--san: names of a certificate count only where its authority is trusted: give --ca',
    );
  }
  for (const [flag, path] of Object.entries({ ca, cert, key })) {
    if (path === undefined) continue;
    try {
      readFileSync(path);
    } catch (error) {
      errors.push(`--${flag}: ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
    }
  }
}

function parsedChain({ best }: Offer): readonly (Certificate | { readonly error: string })[] {
  return best.chain.map((der) => parseCertificate(der));
}

function printText({ address, target, offer, verdict }: Findings): void {
  const nowMs = SYSTEM_CLOCK.wallMs();
  const chain = parsedChain(offer);
  const good = chain.filter((one): one is Certificate => !('error' in one));
  const lines = [
    `${address}${target.serverName === '' ? ', without SNI' : `, SNI ${target.serverName}`}`,
    ...offerLines(offer),
  ];
  for (const [index, certificate] of chain.entries()) {
    lines.push(`certificate ${index + 1}`);
    if ('error' in certificate) lines.push(`  cannot be read: ${certificate.error}`);
    else lines.push(...certificateLines(certificate, nowMs).map((text) => `  ${text}`));
  }
  const fault = chainFault(good);
  if (fault !== null) lines.push(`chain: ${fault}`);
  console.log(lines.map((text, index) => (index === 0 ? text : `  ${text}`)).join('\n'));
  console.log(verdictText(verdict));
  if (offer.refusal !== '') console.log(`The server REFUSES our certificate: ${offer.refusal}`);
}

function offerLines(offer: Offer): readonly string[] {
  const { best, versions, protocols, clientCertificates } = offer;
  const offered = versions.flatMap(({ version, facts }) => {
    if (facts === null) return [];
    return [`${version} ${facts.cipher}${facts.group === '' ? '' : `, group ${facts.group}`}`];
  });
  const refused = versions.filter(({ facts }) => facts === null).map(({ version }) => version);
  return [
    ...offered.map((text) => line('offers', text)),
    ...(refused.length === 0 ? [] : [line('does not offer', refused.join(', '))]),
    line('ALPN', protocols.length === 0 ? 'none of those that are usual' : protocols.join(', ')),
    line('client certificate', clientCertificates),
    line('OCSP response', best.ocspBytes === 0 ? 'none stapled' : `${best.ocspBytes} octets`),
  ];
}

function line(label: string, text: string): string {
  return label.padEnd(LABEL_WIDTH) + printable(text);
}

function verdictText(verdict: Verdict | null): string {
  if (verdict === null) return 'Not judged: give --ca FILE, or --cluster NAME with -c FILE.';
  if (verdict.kind === 'refused') return `We would REFUSE it: ${printable(verdict.reason)}`;
  if (verdict.isJudged) return 'We would ACCEPT it.';
  return 'We would ACCEPT it, though nothing proves who it is.';
}

function printJson({ address, target, offer, verdict }: Findings): void {
  const nowMs = SYSTEM_CLOCK.wallMs();
  const { best, versions, protocols, clientCertificates, refusal } = offer;
  const output = {
    address,
    sni: target.serverName,
    versions: versions.map(({ version, facts, error }) =>
      facts === null
        ? { version, offered: false, error }
        : { version, offered: true, cipher: facts.cipher, group: facts.group },
    ),
    alpn: protocols,
    client_certificate: clientCertificates,
    ocsp_response_bytes: best.ocspBytes,
    chain: parsedChain(offer).map((one) => ('error' in one ? one : certificateJson(one, nowMs))),
    verdict: verdict === null ? { kind: 'not judged' } : verdict,
    refuses_our_certificate: refusal,
  };
  console.log(JSON.stringify(output, null, 1));
}
