// `outrigger proxy-status`: how far a proxy is with what its servers tell it.
import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { EXIT_FAILURE, EXIT_OK, EXIT_USAGE } from '../exit-codes.ts';
import type { Result } from '../proxy-config/dump.ts';
import { isRecord, type JsonRecord } from '../proxy-config/json-fields.ts';
import { formatError, type OutputFormat, parseFormat, writeOut } from '../proxy-config/output.ts';
import { tableText } from '../proxy-config/text-table.ts';
import { parseAdminPlace, readJson } from '../top/admin-client.ts';
import { type ProxyStatus, readStatus, SYNC_COLUMNS, syncText } from './proxy-status.ts';

/** The command's flags as commander gives them. */
export interface StatusFlags {
  readonly admin?: string;
  readonly file?: string;
  readonly output?: string;
}

/** Longer errors are cut in the table; `-o json` has them whole. */
const SHOWN_ERROR = 120;

/** Prints the status; what is wrong goes to stderr. */
export async function showStatus(flags: StatusFlags, defaultAdmin: string): Promise<number> {
  const address = flags.admin || defaultAdmin;
  const format = parseFormat(flags.output ?? 'short');
  const errors = flagErrors(flags, address);
  if (format === null || errors.length > 0) {
    for (const error of errors) console.error(`error: ${error}`);
    console.error("Try 'outrigger proxy-status --help'.");
    return EXIT_USAGE;
  }
  const read = flags.file === undefined ? await ask(address) : readSaved(flags.file);
  const status = read.ok ? readStatus(read.value) : read;
  if (!status.ok) {
    const place = flags.file === '-' ? 'standard input' : (flags.file ?? address);
    console.error(`error: ${place}: ${status.error}`);
    return EXIT_FAILURE;
  }
  await writeOut(statusText(status.value, format));
  return EXIT_OK;
}

function flagErrors({ admin, file, output }: StatusFlags, address: string): readonly string[] {
  const errors: string[] = [];
  if (admin !== undefined && file !== undefined) errors.push('--admin and --file: give only one');
  if (file === undefined && parseAdminPlace(address) === null) {
    errors.push(`--admin: '${address}' is no address: write HOST:PORT, or the path of a pipe`);
  }
  if (output !== undefined && parseFormat(output) === null) errors.push(formatError(output));
  return errors;
}

/** Envoy has no such endpoint: there its dump has to do. */
async function ask(address: string): Promise<Result<unknown>> {
  const place = parseAdminPlace(address);
  if (place === null) return { ok: false, error: 'no address' };
  const own = await readJson(place, '/discovery_status');
  if (own.ok && isRecord(own.value)) return own;
  return readJson(place, '/config_dump?include_eds');
}

function readSaved(file: string): Result<unknown> {
  try {
    return { ok: true, value: JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8')) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { ok: false, error: 'there is no such file' };
    return { ok: false, error: `it cannot be read: ${message}` };
  }
}

function statusText(status: ProxyStatus, format: OutputFormat): string {
  if (format === 'short') return tables(status);
  const shown = json(status);
  return format === 'json' ? `${JSON.stringify(shown, null, 2)}\n` : stringify(shown);
}

function tables(status: ProxyStatus): string {
  const { cluster, controlPlanes, name, types, version } = status;
  const sync = tableText({
    titles: ['NAME', 'CLUSTER', ...SYNC_COLUMNS, 'ISTIOD', 'VERSION'],
    rows: [
      [
        ...[name || '-', cluster || '-', ...SYNC_COLUMNS.map((type) => syncText(status, type))],
        ...[controlPlanes.join(', ') || '-', version || '-'],
      ],
    ],
  });
  if (types.length === 0) return sync;
  const rows = types.map(({ error, nonce, resources, source, state, type, version: accepted }) => [
    ...[type, state, accepted || '-', nonce || '-', resources, source || '-'],
    error.length > SHOWN_ERROR ? `${error.slice(0, SHOWN_ERROR)}…` : error,
  ]);
  const titles = ['TYPE', 'STATE', 'VERSION', 'NONCE', 'RESOURCES', 'SOURCE', 'ERROR'];
  return `${sync}\n${tableText({ titles, rows })}`;
}

function json(status: ProxyStatus): JsonRecord {
  const { cluster, controlPlanes, name, types, version } = status;
  const sync = Object.fromEntries(
    SYNC_COLUMNS.map((type) => [type.toLowerCase(), syncText(status, type)]),
  );
  return { name, cluster, ...sync, control_planes: controlPlanes, version, types };
}
