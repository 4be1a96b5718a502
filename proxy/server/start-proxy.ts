// Puts a whole proxy together: primary, workers, admin interface. The command line and tests start
// it in the same way.
import { writeFileSync } from 'node:fs';
import { AdminServer } from '../admin/server.ts';
import type { SocketAddress } from '../base/address.ts';
import type { ListenHandle } from '../net/socket-source.ts';
import { TagExtractor } from '../stats/tags.ts';
import { addServices } from './add-services.ts';
import { type AskForUpgrade, PrimaryAdminBackend } from './admin-backend.ts';
import { openRegistry } from './cell-desk.ts';
import { forkWorkers } from './cluster-host.ts';
import { Configuration, type GoodBootstrap, type LoadAgain } from './configuration.ts';
import { dnsDiscovery } from './dns-discovery.ts';
import { healthChecking } from './health-checking.ts';
import { spawnInProcess } from './in-process-worker.ts';
import { OperatorDesk } from './operator-desk.ts';
import type { ServerOptions } from './options.ts';
import { Primary } from './primary.ts';
import { startPrimary } from './start-sequence.ts';
import { boundsOf } from './stats-settings.ts';
import type { Inheritance } from './upgrade/ancestor.ts';
import type { AdjustableLog } from './worker.ts';

/** What a proxy is started with. */
export interface ProxyParts {
  readonly options: ServerOptions;
  readonly log: AdjustableLog;
  /** What the configuration says now. */
  readonly loaded: GoodBootstrap;
  /** Reads the configuration again. */
  readonly load: LoadAgain;
  /** `/quitquitquit` */
  readonly quit: () => void;
  /** `/upgrade`; absent: nobody can follow this process. */
  readonly upgrade?: AskForUpgrade;
  /** Of the process that this one follows; absent: it follows nobody. */
  readonly inheritance?: Inheritance | null;
  /** It serves, and whoever asks the admin interface is about to be answered by it. */
  readonly beforeAdmin?: (primary: Primary) => Promise<void>;
}

/** A proxy that runs, or every reason why it could not start. */
export type StartedProxy =
  | {
      readonly ok: true;
      readonly primary: Primary;
      /** What operators change while it runs. */
      readonly operators: OperatorDesk;
      /** null without an admin interface. */
      readonly adminAddress: SocketAddress | null;
      /** null without one. */
      readonly admin: AdminServer | null;
      /** Ends the admin interface; the primary is ended by its own methods. */
      closeAdmin(): Promise<void>;
    }
  | { readonly ok: false; readonly errors: readonly string[] };

/** Starts everything; resolves when every listener is bound. */
export async function startProxy(parts: ProxyParts): Promise<StartedProxy> {
  const { options, log, loaded } = parts;
  const configuration = new Configuration(loaded, parts.load, log.logger('config'));
  const registry = openRegistry(options.concurrency, log.logger('main'));
  const primary = new Primary({
    options,
    registry,
    log: log.logger('main'),
    configuration,
    inheritance: parts.inheritance ?? null,
    spawn:
      options.concurrency === 1
        ? spawnInProcess({ log, compiler: () => configuration.compiler(), registry })
        : forkWorkers(() => ({ ...options.log, levels: levelsOf(log, options) })),
    makeHealthChecks: (outputs) => healthChecking(outputs, log),
    makeDiscovery: (sink, stats) => dnsDiscovery({ sink, stats, log: log.logger('dns') }),
  });
  addServices(primary);
  const { accessLogs } = primary;
  const operators = new OperatorDesk({ primary, log });
  // Before anybody could see that it was forgotten.
  operators.take(parts.inheritance?.changed ?? {});
  const admin = adminServer(parts, primary, operators);
  const closeAdmin = async () => {
    await admin?.close();
    await accessLogs.close();
  };
  const begun = await begin(parts, primary, admin);
  if (begun.errors.length > 0) {
    primary.close();
    await closeAdmin();
    return { ok: false, errors: begun.errors };
  }
  return { ok: true, primary, operators, adminAddress: begun.adminAddress, admin, closeAdmin };
}

/** Binds the admin interface and starts the rest. */
async function begin(
  { options, inheritance = null, beforeAdmin }: ProxyParts,
  primary: Primary,
  admin: AdminServer | null,
): Promise<{ readonly errors: readonly string[]; readonly adminAddress: SocketAddress | null }> {
  const bind = () => (admin === null ? null : bindAdmin(admin, options, inheritance));
  // Whoever asks while this process starts is answered by the one that still serves.
  const early = inheritance === null ? await bind() : null;
  if (typeof early === 'string') return { errors: [early], adminAddress: null };
  const errors = await startPrimary(primary);
  if (inheritance !== null) errors.push(...whatIsNotTold(primary));
  if (errors.length > 0) return { errors, adminAddress: early };
  // Of what was inherited, what no listener has asked for.
  if (inheritance !== null) primary.workforce.keepSockets(primary.configuration.listeners());
  await beforeAdmin?.(primary);
  const bound = inheritance === null ? early : await bind();
  if (typeof bound === 'string') return { errors: [bound], adminAddress: null };
  return { errors: [], adminAddress: bound };
}

/**
 * Alone, a proxy whose servers say nothing in time serves what it knows. One that follows another
 * would take away what that one was told before.
 */
function whatIsNotTold({ dynamic }: Primary): readonly string[] {
  const untold = (['clusters', 'listeners'] as const).filter(
    (collection) => dynamic[collection]?.isTold === false,
  );
  return untold.map((what) => `no server said in time which ${what} there are`);
}

/** That of the same address; another one is nobody's any more. */
function inheritedSocket(
  { wanted }: AdminServer,
  inheritance: Inheritance | null,
): ListenHandle | null {
  const { admin } = inheritance ?? { admin: null };
  if (admin === null) return null;
  if (admin.address === wanted.text) return admin.socket;
  admin.socket.close();
  return null;
}

function levelsOf(log: AdjustableLog, options: ServerOptions) {
  return { '': options.log.level, ...log.levels() };
}

function adminServer(
  parts: ProxyParts,
  primary: Primary,
  operators: OperatorDesk,
): AdminServer | null {
  const { options, log } = parts;
  const { accessLogs, configuration } = primary;
  const { admin, stats } = configuration.bootstrap;
  if (admin === null) return null;
  return new AdminServer({
    backend: new PrimaryAdminBackend({ primary, operators, ...parts }),
    address: admin.address,
    logger: log.logger('admin'),
    tags: new TagExtractor(stats.useAllDefaultTags, [...options.statsTags, ...stats.tags]),
    boundsOf: boundsOf(stats),
    accessLogs: admin.accessLogs.map((config) => accessLogs.open(config)),
  });
}

/** The bound address, or why there is none. */
async function bindAdmin(
  admin: AdminServer,
  options: ServerOptions,
  inheritance: Inheritance | null,
): Promise<SocketAddress | string> {
  try {
    const bound = await admin.start(inheritedSocket(admin, inheritance));
    if (options.adminAddressPath !== '') writeFileSync(options.adminAddressPath, bound.text);
    return bound;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const hint = code === 'EADDRINUSE' ? '; choose another port in admin.address' : '';
    return `cannot start the admin interface: ${message}${hint}`;
  }
}
