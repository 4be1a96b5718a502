// `outrigger proxy-config KIND`: reads a running proxy or a saved dump, and prints a part of it.
import { readFileSync } from 'node:fs';
import { SYSTEM_CLOCK } from '../../server/system-clock.ts';
import { EXIT_FAILURE, EXIT_OK, EXIT_USAGE } from '../exit-codes.ts';
import { parseAdminPlace, readJson } from '../top/admin-client.ts';
import { clusterTable, selectClusters } from './cluster-table.ts';
import { type Dump, parseDump, type Result, readDump, sectionOf } from './dump.ts';
import { endpointTable, selectEndpoints } from './endpoint-table.ts';
import { record } from './json-fields.ts';
import { listenerTable, selectListeners } from './listener-table.ts';
import { type Answer, answerText, formatError, parseFormat, writeOut } from './output.ts';
import { routeTable, selectRoutes } from './route-table.ts';
import { secretTable, selectSecrets } from './secret-table.ts';

/** What can be asked for. */
export type ConfigKind = 'listeners' | 'routes' | 'clusters' | 'endpoints' | 'secret' | 'bootstrap';

/** The flags of all kinds as commander gives them; each kind has some of them. */
export interface ConfigFlags {
  readonly admin?: string;
  readonly file?: string;
  readonly output?: string;
  readonly port?: string;
  readonly address?: string;
  readonly type?: string;
  readonly name?: string;
  readonly fqdn?: string;
  readonly direction?: string;
  readonly subset?: string;
  readonly cluster?: string;
  readonly status?: string;
  /** False: --no-verbose. */
  readonly verbose?: boolean;
}

/** The same with every flag checked. */
interface Question {
  readonly port: number | null;
  readonly flags: ConfigFlags;
}

const MAX_PORT = 65_535;

/** Prints the answer; what is wrong goes to stderr. */
export async function showConfig(
  kind: ConfigKind,
  flags: ConfigFlags,
  defaultAdmin: string,
): Promise<number> {
  const address = flags.admin || defaultAdmin;
  const format = parseFormat(flags.output ?? (kind === 'bootstrap' ? 'json' : 'short'));
  const errors = flagErrors(kind, flags, address);
  if (format === null || errors.length > 0) {
    for (const error of errors) console.error(`error: ${error}`);
    console.error(`Try 'outrigger proxy-config ${kind} --help'.`);
    return EXIT_USAGE;
  }
  const place = flags.file ?? address;
  const dump = flags.file === undefined ? await fetchDump(kind, address) : readFile(flags.file);
  const port = flags.port === undefined ? null : Number(flags.port);
  const answer = dump.ok ? answerOf(kind, dump.value, { port, flags }) : dump;
  if (!answer.ok) {
    console.error(`error: ${place === '-' ? 'standard input' : place}: ${answer.error}`);
    return EXIT_FAILURE;
  }
  await writeOut(answerText(answer.value, format));
  return EXIT_OK;
}

function flagErrors(kind: ConfigKind, flags: ConfigFlags, address: string): readonly string[] {
  const { output = 'json', port = '1', admin = '', file } = flags;
  const errors: string[] = [];
  if (admin !== '' && file !== undefined) errors.push('--admin or --file, not both');
  if (file === undefined && parseAdminPlace(address) === null) {
    errors.push(`--admin: '${address}' is no address: write HOST:PORT, or the path of a pipe`);
  }
  if (parseFormat(output) === null) errors.push(formatError(output));
  if (kind === 'bootstrap' && output === 'short') {
    errors.push('--output: a bootstrap has no short form, write json or yaml');
  }
  if (!/^\d+$/.test(port) || Number(port) > MAX_PORT) {
    errors.push(`--port: '${port}' is not a number from 0 to ${MAX_PORT}`);
  }
  return errors;
}

async function fetchDump(kind: ConfigKind, address: string): Promise<Result<Dump>> {
  const place = parseAdminPlace(address);
  if (place === null) return { ok: false, error: 'no address' };
  // Only /clusters knows which hosts are ill and which were found by DNS.
  const path = kind === 'endpoints' ? '/clusters?format=json' : '/config_dump';
  const answer = await readJson(place, path);
  if (!answer.ok) return answer;
  // An admin interface without clusters says {}.
  const isEmptyList = kind === 'endpoints' && JSON.stringify(answer.value) === '{}';
  return readDump(isEmptyList ? { cluster_statuses: [] } : answer.value);
}

function readFile(file: string): Result<Dump> {
  try {
    return parseDump(readFileSync(file === '-' ? 0 : file, 'utf8'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { ok: false, error: `it cannot be read: ${code ?? message}` };
  }
}

function answerOf(kind: ConfigKind, dump: Dump, question: Question): Result<Answer> {
  switch (kind) {
    case 'listeners':
      return listenersAnswer(dump, question);
    case 'routes':
      return routesAnswer(dump, question);
    case 'clusters':
      return clustersAnswer(dump, question);
    case 'endpoints':
      return endpointsAnswer(dump, question);
    case 'secret':
      return secretAnswer(dump);
    case 'bootstrap':
      return bootstrapAnswer(dump);
  }
}

function listenersAnswer(dump: Dump, { port, flags }: Question): Result<Answer> {
  const { address = '', type = '', verbose = true } = flags;
  const found = selectListeners(dump, { port, address, type });
  if (!found.ok) return found;
  const { value } = found;
  const table = () => listenerTable(value, verbose);
  return { ok: true, value: { table, json: () => value.map(({ json }) => json) } };
}

function routesAnswer(dump: Dump, { flags }: Question): Result<Answer> {
  const { name = '', verbose = true } = flags;
  const found = selectRoutes(dump, { name });
  if (!found.ok) return found;
  const { value } = found;
  const table = () => routeTable(value, verbose);
  return { ok: true, value: { table, json: () => value.map(({ json }) => json) } };
}

function clustersAnswer(dump: Dump, { port, flags }: Question): Result<Answer> {
  const { fqdn = '', direction = '', subset = '' } = flags;
  const found = selectClusters(dump, { port, fqdn, direction, subset });
  if (!found.ok) return found;
  const { value } = found;
  const table = () => clusterTable(value);
  return { ok: true, value: { table, json: () => value.map(({ json }) => json) } };
}

function endpointsAnswer(dump: Dump, { port, flags }: Question): Result<Answer> {
  const { address = '', cluster = '', status = '' } = flags;
  const found = selectEndpoints(dump, { port, address, cluster, status });
  if (!found.ok) return found;
  const { rows, messages } = found.value;
  return { ok: true, value: { table: () => endpointTable(rows), json: () => messages } };
}

function secretAnswer(dump: Dump): Result<Answer> {
  const found = selectSecrets(dump, SYSTEM_CLOCK.wallMs());
  if (!found.ok) return found;
  return {
    ok: true,
    value: { table: () => secretTable(found.value), json: () => found.value },
  };
}

function bootstrapAnswer(dump: Dump): Result<Answer> {
  const section = sectionOf(dump, 'BootstrapConfigDump');
  if (!section.ok) return section;
  const json = () => record(section.value, 'bootstrap');
  return { ok: true, value: { table: () => ({ titles: [], rows: [] }), json } };
}
