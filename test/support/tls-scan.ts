// What strangers can get out of a TLS port, by the tools that people scan with: testssl.sh, or single
// handshakes of `openssl s_client`.
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { TestDirectory } from './with-process.ts';

/** One line of testssl.sh's report. */
export interface ScanFinding {
  readonly id: string;
  /** `OK`, `INFO`, `LOW`, `MEDIUM`, `HIGH`, `CRITICAL`, `WARN`. */
  readonly severity: string;
  readonly finding: string;
}

/** What an openssl handshake printed and how it ended. */
export interface Probe {
  readonly isConnected: boolean;
  readonly output: string;
}

/** Why a tool is not used; false: it is there. For tap's `skip`. */
export function withoutTool(command: string, hint: string): string | false {
  return spawnSync(command, ['--help']).error === undefined ? false : `no ${command}: ${hint}`;
}

/** Protocols, ciphers, forward secrecy and known vulnerabilities, as testssl.sh sees them. */
export async function scan(port: number): Promise<readonly ScanFinding[]> {
  const directory = new TestDirectory();
  const report = path.join(directory.path, 'report.json');
  const what = ['-p', '-s', '-f', '-U', '-S', '--fast'];
  const flags = ['--quiet', '--color', '0', '--warnings', 'batch', '--jsonfile', report];
  try {
    await finish('testssl', [...flags, ...what, `127.0.0.1:${port}`]);
    return JSON.parse(readFileSync(report, 'utf8')) as ScanFinding[];
  } finally {
    directory.remove();
  }
}

/** One handshake of `openssl s_client`; `input` is typed into it. */
export async function probe(port: number, flags: readonly string[], input = ''): Promise<Probe> {
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, ...flags];
  const output = await finish('openssl', args, input);
  return {
    output,
    isConnected: /^\s*(?:New|Reused), TLSv1\.[23], Cipher is (?!\(NONE\))/m.test(output),
  };
}

/** Runs a program to its end, which may be a failure; everything it said. */
function finish(program: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve) => {
    const options = { maxBuffer: 1 << 26, timeout: 200_000 };
    const child = execFile(program, args, options, (_, stdout, stderr) => resolve(stdout + stderr));
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
