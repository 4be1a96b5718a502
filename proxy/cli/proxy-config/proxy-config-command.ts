// `outrigger proxy-config KIND`: reads a running proxy or a saved dump, and prints a part of it.
import { readFileSync } from 'node:fs';
import { SYSTEM_CLOCK } from '../../server/system-clock.ts';
import { EXIT_FAILURE, EXIT_OK, EXIT_USAGE } from '../exit-codes.ts';
import { type AdminPlace, parseAdminPlace, readJson } from '../top/admin-client.ts';
import { bootstrapTable } from './bootstrap-table.ts';
import { clusterTable, selectClusters } from './cluster-table.ts';
import { type Dump, parseDump, type Result, readDump, sectionOf } from './dump.ts';
import { extensionTable, selectExtensions } from './ecds-table.ts';
import { endpointTable, selectEndpoints } from './endpoint-table.ts';
import { record } from './json-fields.ts';
import { listenerTable, selectListeners } from './listener-table.ts';
import { type Answer, answerText, formatError, parseFormat, writeOut } from './output.ts';
import { routeTable, selectRoutes } from './route-table.ts';
import { secretTable, selectSecrets } from './secret-table.ts';

/** What can be asked for. */
export type ConfigKind =
  | 'all'
  | 'bootstrap'
  | 'clusters'
  | 'ecds'
  | 'endpoints'
  | 'listeners'
  | 'routes'
  | 'secret';

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

/** In istioctl's order. */
const ALL_KINDS = [
  ...(['bootstrap', 'clusters', 'listeners', 'routes', 'secret', 'ecds', 'endpoints'] as const),
];

/** Prints the answer; what is wrong goes to stderr. */
export async function showConfig(
  kind: ConfigKind,
  flags: ConfigFlags,
  defaultAdmin: string,
): Promise<number> {
  const address = flags.admin || defaultAdmin;
  const format = parseFormat(flags.output ?? (kind === 'bootstrap' ? 'json' : 'short'));
  const errors = flagErrors(flags, address);
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

function flagErrors(flags: ConfigFlags, address: string): readonly string[] {
  const { output = 'json', port = '1', admin = '', file } = flags;
  const errors: string[] = [];
  if (admin !== '' && file !== undefined) errors.push('--admin or --file, not both');
  if (file === undefined && parseAdminPlace(address) === null) {
    errors.push(`--admin: '${address}' is no address: write HOST:PORT, or the path of a pipe`);
  }
  if (parseFormat(output) === null) errors.push(formatError(output));
  if (!/^\d+$/.test(port) || Number(port) > MAX_PORT) {
    errors.push(`--port: '${port}' is not a number from 0 to ${MAX_PORT}`);
  }
  return errors;
}

async function fetchDump(kind: ConfigKind, address: string): Promise<Result<Dump>> {
  const place = parseAdminPlace(address);
  if (place === null) return { ok: false, error: 'no address' };
  if (kind === 'all') return fetchAll(place);
  // Only /clusters knows which hosts are ill and which were found by DNS.
  if (kind === 'endpoints') return fetchHosts(place);
  const answer = await readJson(place, '/config_dump');
  return answer.ok ? readDump(answer.value) : answer;
}

/** A dump with the hosts as /clusters knows them. */
async function fetchAll(place: AdminPlace): Promise<Result<Dump>> {
  const answer = await readJson(place, '/config_dump');
  const dump = answer.ok ? readDump(answer.value) : answer;
  if (!dump.ok) return dump;
  const statuses = await fetchHosts(place);
  if (!statuses.ok) return statuses;
  return { ok: true, value: { ...dump.value, clusterStatuses: statuses.value.clusterStatuses } };
}

async function fetchHosts(place: AdminPlace): Promise<Result<Dump>> {
  const answer = await readJson(place, '/clusters?format=json');
  if (!answer.ok) return answer;
  // An admin interface without clusters says {}.
  const isEmpty = JSON.stringify(answer.value) === '{}';
  return readDump(isEmpty ? { cluster_statuses: [] } : answer.value);
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
    case 'ecds':
      return extensionsAnswer(dump);
    case 'all':
      return allAnswer(dump, question);
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
  return { ok: true, value: { table: () => bootstrapTable(json()), json } };
}

function extensionsAnswer(dump: Dump): Result<Answer> {
  const found = selectExtensions(dump);
  if (!found.ok) return found;
  const { value } = found;
  const table = () => extensionTable(value);
  return { ok: true, value: { table, json: () => value.map(({ json }) => json) } };
}

/** What the dump has of everything; a port is the listeners', the clusters' and the hosts'. */
function allAnswer(dump: Dump, question: Question): Result<Answer> {
  if (dump.sections.size === 0) return bootstrapAnswer(dump);
  const parts = ALL_KINDS.flatMap((kind) => {
    const answer = answerOf(kind, dump, question);
    return answer.ok ? [[kind, answer.value] as const] : [];
  });
  const table = () => parts.flatMap(([, answer]) => answer.table());
  const json = () => Object.fromEntries(parts.map(([kind, answer]) => [kind, answer.json()]));
  return { ok: true, value: { table, json } };
}
