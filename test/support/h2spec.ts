// h2spec (github.com/summerwind/h2spec) against a proxy: runs the program and reads its verdict.
import { spawn } from 'node:child_process';
import { makeAuthority, makeCertificate } from './certificates.ts';
import type { RigListener } from './rig-bootstrap.ts';
import { secureListener } from './secure-listener.ts';

/** How a run ended. */
export interface H2specResult {
  readonly passed: number;
  readonly total: number;
  /** `section/case title`, then what was expected and what came, a line each. */
  readonly failures: readonly string[];
  /** Everything it printed. */
  readonly output: string;
}

/** In clear text. Under AUTO what does not begin with the preface is HTTP/1.1, and answered in it. */
export const CLEAR_LISTENER: RigListener = { hcm: { codec_type: 'HTTP2' } };

/** With TLS, where ALPN says what is spoken. */
export const SECURE_LISTENER: RigListener = secureListener({
  certificate: makeCertificate({ issuer: makeAuthority(), altNames: [{ dns: 'localhost' }] }),
});

/** Its groups of cases by their headings, with the names that its command line knows them by. */
const GROUPS: Readonly<Record<string, string>> = {
  'Generic tests for HTTP/2 server': 'generic',
  'Hypertext Transfer Protocol Version 2 (HTTP/2)': 'http2',
  'HPACK: Header Compression for HTTP/2': 'hpack',
};
const SUMMARY = /^(\d+) tests, (\d+) passed, \d+ skipped, \d+ failed$/m;
const SECTION = /^\s*(\d+(?:\.\d+)*)\. /;
const CASE = /^\s*× (\d+): (.*)$/;

/** Runs `program` against a port of loopback. Throws when it cannot be run or does not finish. */
export async function runH2spec(
  program: string,
  port: number,
  flags: readonly string[] = [],
): Promise<H2specResult> {
  const child = spawn(program, ['-h', '127.0.0.1', '-p', String(port), ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (data: Buffer): void => {
    output += data.toString();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  const summary = SUMMARY.exec(output);
  if (summary === null) throw new Error(`${program} did not finish:\n${output.slice(-2000)}`);
  return {
    total: Number(summary[1]),
    passed: Number(summary[2]),
    failures: failuresIn(output),
    output,
  };
}

/** The list behind «Failures:» with each case's section in its own line. */
function failuresIn(output: string): string[] {
  const start = output.lastIndexOf('Failures:');
  if (start === -1) return [];
  const failures: string[] = [];
  let group = '';
  let section = '';
  for (const line of output.slice(start).split('\n').slice(1)) {
    const heading = SECTION.exec(line);
    const title = CASE.exec(line);
    group = GROUPS[line.trim()] ?? group;
    if (heading !== null) section = heading[1] as string;
    else if (title !== null) failures.push(`${group}/${section}/${title[1]} ${title[2]}`);
    else if (/^ +(->|Expected|Actual)/.test(line)) failures.push(`    ${line.trim()}`);
  }
  return failures;
}
