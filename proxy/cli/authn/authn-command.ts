// `outrigger authn-check`: which TLS a proxy uses towards each cluster, what the servers there demand,
// and where they cannot talk to each other.
import { readFileSync } from 'node:fs';
import { type DescMessage, toJson } from '@bufbuild/protobuf';
import type { Bootstrap } from '../../api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { ClusterSchema } from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { ListenerSchema } from '../../api/gen/envoy/config/listener/v3/listener_pb.js';
import { SecretSchema } from '../../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { apiRegistry } from '../../api/registry.ts';
import { type AuthnSource, byName, dumpedSource } from '../../explain/authn/authn-source.ts';
import { type AuthnRow, checkAuthn } from '../../explain/authn/check-authn.ts';
import type { Json } from '../../explain/flow-text.ts';
import { jsonOutput } from '../../explain/json-output.ts';
import type { GoodBootstrap } from '../../server/configuration.ts';
import { SYSTEM_CLOCK } from '../../server/system-clock.ts';
import { EXIT_FAILURE, EXIT_OK, EXIT_UNREADABLE, EXIT_USAGE } from '../exit-codes.ts';
import { loadFor } from '../explain-command.ts';
import { parseAdminPlace, readJson } from '../top/admin-client.ts';
import { authnTable } from './authn-table.ts';

/** The command's flags as commander gives them. */
export interface AuthnFlags {
  readonly configPath?: string;
  readonly admin?: string;
  readonly server?: readonly string[];
  readonly cluster?: string;
  readonly allowUnknownStaticFields?: boolean;
  readonly json?: boolean;
}

/** Prints the table; fails when there is a conflict. */
export async function checkAuthentication(flags: AuthnFlags): Promise<number> {
  const { configPath, admin, server = [] } = flags;
  if ((configPath === undefined) === (admin === undefined)) {
    console.error(
      'error: give a configuration with -c FILE, or a running proxy with --admin ADDRESS',
    );
    console.error("Try 'outrigger authn-check --help'.");
    return EXIT_USAGE;
  }
  const client =
    configPath === undefined ? await runningSource(admin ?? '') : fileSource(configPath, flags);
  const servers = server.map((path) => fileSource(path, flags));
  if (client === null || servers.includes(null)) return EXIT_UNREADABLE;
  const known = servers.filter((one): one is AuthnSource => one !== null);
  const all = checkAuthn({ client, servers: known, nowMs: SYSTEM_CLOCK.wallMs() });
  const rows = all.filter(({ cluster }) => (flags.cluster ?? cluster) === cluster);
  if (rows.length === 0) {
    const what = flags.cluster === undefined ? 'no cluster' : `no cluster '${flags.cluster}'`;
    console.error(`error: ${client.name} has ${what}`);
    return EXIT_UNREADABLE;
  }
  process.stdout.write(flags.json === true ? jsonOutput({ clusters: rows }) : authnTable(rows));
  return hasConflict(rows) ? EXIT_FAILURE : EXIT_OK;
}

function hasConflict(rows: readonly AuthnRow[]): boolean {
  return rows.some(({ status }) => status === 'CONFLICT');
}

async function runningSource(address: string): Promise<AuthnSource | null> {
  const place = parseAdminPlace(address);
  if (place === null) {
    console.error(
      `error: '${address}' is no admin address: write HOST:PORT, or the path of a pipe`,
    );
    return null;
  }
  const dump = await readJson(place, '/config_dump?include_eds');
  if (dump.ok) return dumpedSource(address, dump.value as Json);
  console.error(`error: ${address}: ${dump.error}`);
  return null;
}

function fileSource(configPath: string, flags: AuthnFlags): AuthnSource | null {
  const allowUnknownStaticFields = flags.allowUnknownStaticFields === true;
  const loaded = loadFor({ configPath, configYaml: '', allowUnknownStaticFields });
  return loaded === null ? null : loadedSource(configPath, loaded);
}

function loadedSource(name: string, { resources }: GoodBootstrap): AuthnSource {
  const ofKind = (kind: string, schema: DescMessage): readonly Json[] =>
    resources
      .filter((resource) => resource.kind === kind)
      .map(({ message }) => messageJson(schema, message));
  const bootstrap = resources.find(({ kind }) => kind === 'bootstrap')?.message;
  const secrets = (bootstrap as Bootstrap | undefined)?.staticResources?.secrets ?? [];
  return {
    name,
    clusters: ofKind('cluster', ClusterSchema),
    listeners: ofKind('listener', ListenerSchema),
    assignments: new Map(),
    secrets: byName(
      secrets.map((secret) => messageJson(SecretSchema, secret)),
      'name',
    ),
    readFile: readText,
  };
}

function messageJson(schema: DescMessage, message: Parameters<typeof toJson>[1]): Json {
  return toJson(schema, message, { registry: apiRegistry, useProtoFieldName: true }) as Json;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // Loading has complained of what it needs.
    return null;
  }
}
