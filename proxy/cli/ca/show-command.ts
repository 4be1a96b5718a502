// `outrigger ca show FILE`: what certificates, requests and keys in a file say, in words.

import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readKeyPem } from '../../ca/keys.ts';
import { readSigningRequest } from '../../ca/signing-request.ts';
import { SYSTEM_CLOCK } from '../../server/system-clock.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { parseCertificate } from '../../x509/parse-certificate.ts';
import { type PemBlock, parsePem, toPem } from '../../x509/pem.ts';
import { certificateJson, certificateLines, chainFault, printable } from '../certificate-text.ts';
import { EXIT_FAILURE, EXIT_OK } from '../exit-codes.ts';

/** The command's flags as commander gives them. */
export interface ShowFlags {
  readonly json?: boolean;
}

/** Prints every file; fails when one of them cannot be read. */
export function showFiles(files: readonly string[], flags: ShowFlags): number {
  let exitCode = EXIT_OK;
  for (const file of files) {
    const blocks = readBlocks(file);
    if ('error' in blocks) {
      console.error(`error: ${file}: ${blocks.error}`);
      exitCode = EXIT_FAILURE;
      continue;
    }
    if (!showBlocks(file, blocks, flags.json === true)) exitCode = EXIT_FAILURE;
  }
  return exitCode;
}

function readBlocks(file: string): readonly PemBlock[] | { readonly error: string } {
  let content: Buffer;
  try {
    content = readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    return { error: `it cannot be read: ${(error as NodeJS.ErrnoException).code}` };
  }
  // Bare DER begins with a SEQUENCE.
  if (content[0] === 0x30) return [{ label: 'CERTIFICATE', der: content, line: 1 }];
  const blocks = parsePem(content.toString('latin1'));
  if ('error' in blocks) return { error: `line ${blocks.line}: ${blocks.error}` };
  return blocks.length > 0 ? blocks : { error: 'neither PEM nor DER is in it' };
}

function showBlocks(file: string, blocks: readonly PemBlock[], isJson: boolean): boolean {
  const nowMs = SYSTEM_CLOCK.wallMs();
  const chain: Certificate[] = [];
  const lines: string[] = [];
  const errors: string[] = [];
  for (const block of blocks) {
    if (!block.label.endsWith('CERTIFICATE')) {
      lines.push(...otherLines(block));
      continue;
    }
    const certificate = parseCertificate(block.der);
    if ('error' in certificate) {
      errors.push(`error: ${file}: line ${block.line}: ${certificate.error}`);
      continue;
    }
    chain.push(certificate);
    lines.push(`certificate ${chain.length}`, ...indented(certificateLines(certificate, nowMs)));
  }
  for (const error of errors) console.error(error);
  if (isJson) {
    const certificates = chain.map((certificate) => certificateJson(certificate, nowMs));
    console.log(JSON.stringify({ file, certificates }, null, 1));
    return errors.length === 0;
  }
  console.log([`${file}:`, ...indented(lines), ...indented(chainLines(chain))].join('\n'));
  return errors.length === 0;
}

function chainLines(chain: readonly Certificate[]): readonly string[] {
  if (chain.length < 2) return [];
  const fault = chainFault(chain);
  return [`chain: ${fault ?? 'each certificate is signed by the one below it'}`];
}

function otherLines({ label, der }: PemBlock): readonly string[] {
  if (label.endsWith('CERTIFICATE REQUEST')) {
    const request = readSigningRequest(toPem(label, der));
    if ('error' in request) return [`request: ${request.error}`];
    const names = request.subjectAltNames.map(({ value }) => printable(value)).join(', ');
    const kind = request.publicKey.asymmetricKeyType;
    return [`request, ${kind} key, signed by it; asks for: ${names || 'no name'}`];
  }
  if (!label.endsWith('PRIVATE KEY')) return [`${label.toLowerCase()}: nothing to say about it`];
  const key = readKeyPem(toPem(label, der));
  if ('error' in key) return [`key: ${key.error}`];
  const { asymmetricKeyDetails: details } = createPublicKey(key);
  const size = details?.modulusLength ?? details?.namedCurve ?? '';
  return [`private key, ${key.asymmetricKeyType} ${size}`];
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((one) => `  ${one}`);
}
