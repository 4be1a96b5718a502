// The flags of `outrigger xds`, all checked before anything is done.
import { readFileSync } from 'node:fs';
import type { FrontTls } from '../../discovery-server/grpc-front.ts';
import { CHECKS, type CheckLevel } from './check-served.ts';

/** The command's flags as commander gives them. */
export interface XdsFlags {
  readonly listen?: string;
  readonly rest?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly clientCa?: string;
  readonly check?: string;
  readonly json?: boolean;
  readonly lines?: boolean;
  readonly dryRun?: boolean;
}

/** The same, usable. */
export interface XdsOptions {
  readonly folder: string;
  /** As grpc-js wants it: `host:port`, `[ip]:port` or `unix:/path`. */
  readonly target: string;
  readonly tls: FrontTls | null;
  /** Where clients may poll; null: nowhere. */
  readonly rest: { readonly host: string; readonly port: number } | null;
  readonly check: CheckLevel;
  readonly isJson: boolean;
  /** Only say what is wrong. */
  readonly isDryRun: boolean;
}

/** Where other tools look for a management server. */
export const DEFAULT_LISTEN = '127.0.0.1:18000';
const MAX_PORT = 65_535;

/** The options, or everything that is wrong with the flags. */
export function readXdsFlags(
  folder: string,
  flags: XdsFlags,
):
  | { readonly ok: true; readonly options: XdsOptions }
  | { readonly ok: false; readonly errors: readonly string[] } {
  const errors: string[] = [];
  const target = targetOf(flags.listen ?? DEFAULT_LISTEN, errors);
  const rest = flags.rest === undefined ? null : placeOf('--rest', flags.rest, errors);
  const tls = tlsOf(flags, errors);
  const check = CHECKS.find((level) => level === (flags.check ?? 'full'));
  if (check === undefined) {
    errors.push(`--check: '${flags.check}' is none of ${CHECKS.join(', ')}`);
  }
  if (errors.length > 0 || check === undefined) return { ok: false, errors };
  const isJson = flags.json === true;
  const isDryRun = flags.dryRun === true;
  return { ok: true, options: { folder, target, tls, rest, check, isJson, isDryRun } };
}

function targetOf(listen: string, errors: string[]): string {
  if (listen.startsWith('unix:')) return listen;
  if (listen.startsWith('/')) return `unix:${listen}`;
  const place = placeOf('--listen', listen, errors);
  if (place === null) return '';
  const { host, port } = place;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function placeOf(flag: string, text: string, errors: string[]): XdsOptions['rest'] {
  const match = /^(?:\[([^\]]+)\]|([^:/[\]]+)|):(\d+)$/.exec(text);
  const port = Number(match?.[3] ?? -1);
  if (match === null || port > MAX_PORT) {
    const pipe = flag === '--listen' ? ', or the path of a pipe' : '';
    errors.push(`${flag}: '${text}' is no address: write HOST:PORT${pipe}`);
    return null;
  }
  return { host: match[1] ?? match[2] ?? '0.0.0.0', port };
}

function tlsOf({ clientCa, tlsCert, tlsKey }: XdsFlags, errors: string[]): FrontTls | null {
  if (tlsCert === undefined && tlsKey === undefined) {
    if (clientCa !== undefined) errors.push('--client-ca: needs --tls-cert and --tls-key');
    return null;
  }
  if (tlsCert === undefined || tlsKey === undefined) {
    errors.push('--tls-cert and --tls-key: one needs the other');
    return null;
  }
  const chainPem = fileOf('--tls-cert', tlsCert, errors);
  const keyPem = fileOf('--tls-key', tlsKey, errors);
  const clientCaPem = clientCa === undefined ? null : fileOf('--client-ca', clientCa, errors);
  return { chainPem, keyPem, clientCaPem };
}

function fileOf(flag: string, path: string, errors: string[]): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    errors.push(`${flag}: ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
    return Buffer.alloc(0);
  }
}
