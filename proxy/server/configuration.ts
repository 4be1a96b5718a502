// What the configuration says, and what the proxy runs on: loaded whole, compared with what is in
// use, and handed over as resources.
import { create, equals } from '@bufbuild/protobuf';
import {
  type Bootstrap,
  Bootstrap_StaticResourcesSchema,
  BootstrapSchema,
  type ClusterManager,
  ClusterManagerSchema,
} from '../api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { Cluster } from '../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { Listener } from '../api/gen/envoy/config/listener/v3/listener_pb.js';
import type { Secret } from '../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { apiRegistry } from '../api/registry.ts';
import type { Logger } from '../base/log.ts';
import { discoveryOf } from '../config/compile/dynamic-resources.ts';
import type { LoadedBootstrap } from '../config/load.ts';
import type { BootstrapConfig } from '../model/bootstrap.ts';
import type { ClusterConfig } from '../model/cluster.ts';
import type { DiscoveryEnvironment } from '../model/extension.ts';
import type { ListenerConfig } from '../model/listener.ts';
import type { Resource, ResourceUpdate } from '../model/resource.ts';
import type { RuntimeValues } from '../model/runtime.ts';
import type { SecretValue } from '../model/secret.ts';
import type { NameFilter } from '../stats/store.ts';
import { AddressBook } from './address-book.ts';
import { reportOf } from './bootstrap-source.ts';
import { takeIneffective } from './check-message.ts';
import { Compiler } from './compiler.ts';
import { PassedThroughBook } from './passed-through-book.ts';
import { type RefusedUpdate, ResourceStore } from './resource-store.ts';
import { runInSlices, takeSteps } from './run-in-slices.ts';
import { RuntimeStore } from './runtime-store.ts';
import { statFilter } from './stats-settings.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';

/** A bootstrap that passed every check. */
export type GoodBootstrap = Extract<LoadedBootstrap, { readonly ok: true }>;

/** Reads the configuration anew. */
export type LoadAgain = () => LoadedBootstrap | Promise<LoadedBootstrap>;

/** Parts of a bootstrap that are read once: changing them needs a new process. */
const FIXED_PARTS = [
  'admin',
  'node',
  'layeredRuntime',
  'statsConfig',
  'dynamicResources',
  'hdsConfig',
] as const;

/** The configuration of a running proxy. */
export class Configuration {
  readonly store: ResourceStore;
  /** Of the listeners in use. */
  readonly addresses = new AddressBook();
  /** Fixed for the life of the process: admin, node, statistics, runtime. */
  readonly bootstrap: BootstrapConfig;
  readonly acceptsStat: NameFilter | null;
  readonly runtime: RuntimeStore;
  /** What resources name and does nothing here. */
  readonly passedThrough = new PassedThroughBook();
  /** Wall-clock ms at which the bootstrap now in use was accepted. */
  acceptedMs: number;
  /** The newest bootstrap, which is refused; null: it is in use. */
  refused: RefusedUpdate | null = null;
  readonly #load: LoadAgain;
  readonly #log: Logger;
  #loaded: GoodBootstrap;
  #compiler: Compiler;
  /** Clusters that routes may name, wherever they come from. */
  readonly #clusterNames = new Set<string>();

  /** `load` reads the source again, for `reload`. */
  constructor(loaded: GoodBootstrap, load: LoadAgain, log: Logger) {
    this.#loaded = loaded;
    this.#load = load;
    this.#log = log;
    this.bootstrap = loaded.bootstrap;
    this.acceptsStat = statFilter(loaded.bootstrap.stats);
    this.acceptedMs = SYSTEM_CLOCK.wallMs();
    this.runtime = new RuntimeStore(loaded.bootstrap.runtimeLayers);
    this.#compiler = this.#compilerOf(loaded);
    this.#compiler.bootstrap(this.bootstrapResource());
    this.store = new ResourceStore((resource) => this.#compiler.any(resource), SYSTEM_CLOCK.wallMs);
    this.store.onInUse = (kind, name, resource) => {
      if (kind !== 'listener') return;
      const config = resource === null ? null : this.#compiler.listener(resource).config;
      this.addresses.set(name, config);
    };
  }

  /** The bootstrap in use, its static resources included. */
  message(): Bootstrap {
    const bare = bootstrapOf(this.#loaded);
    const { resources } = this.#loaded;
    const clusters = resources.filter(({ kind }) => kind === 'cluster');
    const listeners = resources.filter(({ kind }) => kind === 'listener');
    const staticResources = create(Bootstrap_StaticResourcesSchema, {
      secrets: bare.staticResources?.secrets ?? [],
      clusters: clusters.map(({ message }) => message as Cluster),
      listeners: listeners.map(({ message }) => message as Listener),
    });
    return Object.assign(create(BootstrapSchema), bare, { staticResources });
  }

  /** A cluster in use; null: there is none of that name. */
  cluster(name: string): ClusterConfig | null {
    const stored = this.store.get('cluster', name);
    return stored === null ? null : this.#compiler.cluster(stored.resource).config;
  }

  /** Every listener in use. */
  listeners(): readonly ListenerConfig[] {
    return this.store
      .ofKind('listener')
      .map(({ resource }) => this.#compiler.listener(resource).config as ListenerConfig);
  }

  /** What is in use, as it was loaded. */
  get loaded(): GoodBootstrap {
    return this.#loaded;
  }

  compiler(): Compiler {
    return this.#compiler;
  }

  /** What a worker needs of the bootstrap: nothing that only the primary uses. */
  bootstrapResource(): Resource {
    const message = bootstrapOf(this.#loaded);
    const { node, clusterManager, statsConfig, statsFlushInterval, overloadManager } = message;
    const made = create(BootstrapSchema, {
      ...(node === undefined ? {} : { node }),
      ...(overloadManager === undefined ? {} : { overloadManager }),
      bootstrapExtensions: message.bootstrapExtensions,
      ...(clusterManager === undefined ? {} : { clusterManager: workersPart(clusterManager) }),
      ...(statsConfig === undefined ? {} : { statsConfig }),
      ...(statsFlushInterval === undefined ? {} : { statsFlushInterval }),
    });
    return { kind: 'bootstrap', name: '', version: '', message: made };
  }

  /** Every resource of that kind of the bootstrap that was loaded first. */
  initial(kind: Resource['kind']): ResourceUpdate {
    const upserted = runResources(this.#loaded).filter((resource) => resource.kind === kind);
    return { upserted, removed: [] };
  }

  /** A secret of the bootstrap's static resources. */
  staticSecret(name: string): Secret | null {
    return this.staticSecrets().find((secret) => secret.name === name) ?? null;
  }

  staticSecrets(): readonly Secret[] {
    return bootstrapOf(this.#loaded).staticResources?.secrets ?? [];
  }

  /** Of the bootstrap in use. */
  get version(): string {
    return this.#loaded.resources[0]?.version ?? '';
  }

  /**
   * Reads the source again, and answers what is to be published; null, and said in the log, when it
   * is refused or cannot be read.
   */
  async reload(): Promise<ResourceUpdate | null> {
    const loaded = await this.#load();
    if (!loaded.ok) {
      const report = reportOf(loaded, { colour: false, warnings: false });
      this.#log.log('error', `configuration refused, the last good one stays in use\n${report}`);
      this.refuse(textOf(loaded.problems));
      return null;
    }
    this.#warnOfFixedParts(bootstrapOf(loaded));
    const update = await takeSteps(this.#difference(runResources(loaded)));
    const condemned = this.#condemnedOf(update);
    if (condemned !== '') {
      this.#log.log('error', `configuration refused, the last good one stays in use: ${condemned}`);
      this.refuse(condemned);
      return null;
    }
    const compiler = this.#compilerOf(loaded);
    await runInSlices(compiler.prepareAll(update.upserted));
    this.#loaded = loaded;
    this.#compiler = compiler;
    this.acceptedMs = SYSTEM_CLOCK.wallMs();
    this.refused = null;
    return update;
  }

  /** What a secret in use holds; null: it is not in use. */
  secretValue(key: string): SecretValue | null {
    const stored = this.store.get('secret', key);
    return stored === null ? null : this.#compiler.secret(stored.resource).config;
  }

  /** Resources came or went: what routes may name has changed. */
  onAccepted({ upserted, removed }: ResourceUpdate): void {
    for (const { kind, name } of upserted) if (kind === 'cluster') this.#clusterNames.add(name);
    for (const { kind, name } of removed) if (kind === 'cluster') this.#clusterNames.delete(name);
    this.passedThrough.report(this.#log);
    const fields = takeIneffective();
    if (fields.length > 0) {
      this.#log.log('warning', `fields of resources have no effect: ${fields.join('; ')}`);
    }
  }

  /** It stands in the bootstrap, which no server may overrule. */
  isStatic(kind: Resource['kind'], name: string): boolean {
    const newest = this.store.newest(kind, name);
    return newest !== null && newest.isDynamic !== true;
  }

  /** The newest bootstrap, or something in it, is not in use. */
  refuse(details: string): void {
    this.refused = { version: '', details, wallMs: SYSTEM_CLOCK.wallMs(), message: null };
  }

  /** What ended workers before, and why it is not tried again; '' for nothing. */
  #condemnedOf({ upserted }: ResourceUpdate): string {
    const found = upserted.map((resource) => {
      const reason = this.store.condemnation(resource);
      return reason === '' ? '' : `${resource.kind} '${resource.name}' ${reason}`;
    });
    return found.filter((text) => text !== '').join('; ');
  }

  #compilerOf(loaded: GoodBootstrap): Compiler {
    for (const { kind, name } of loaded.resources) {
      if (kind === 'cluster') this.#clusterNames.add(name);
    }
    return new Compiler(this.runtime.values, this.#clusterNames, {
      knownSecret: (key) => this.secretValue(key),
      onPassedThrough: (extension) => this.passedThrough.note(extension),
      discovery: discoveryIn(loaded),
    });
  }

  *#difference(wanted: readonly Resource[]): Generator<void, ResourceUpdate> {
    const names = new Set(wanted.map(({ kind, name }) => `${kind}/${name}`));
    const isGone = ({ kind, name }: Pick<Resource, 'kind' | 'name'>): boolean =>
      isOfBootstrap(kind) && !names.has(`${kind}/${name}`);
    const upserted: Resource[] = [];
    for (const resource of wanted) {
      const stored = this.store.newest(resource.kind, resource.name);
      if (stored === null || !isSame(stored, resource)) upserted.push(resource);
      yield;
    }
    return { upserted, removed: this.store.names().filter(isGone) };
  }

  #warnOfFixedParts(next: Bootstrap): void {
    const present = bootstrapOf(this.#loaded);
    for (const part of FIXED_PARTS) {
      if (equals(BootstrapSchema, only(present, part), only(next, part))) continue;
      this.#log.log('warning', `the bootstrap's ${part} changed: it takes effect after a restart`);
    }
  }
}

/** Compiles the resources of a bootstrap under a runtime. */
export function compilerFor(
  loaded: GoodBootstrap,
  runtime: RuntimeValues,
  knownSecret?: (key: string) => SecretValue | null,
): Compiler {
  const clusters = loaded.resources.filter(({ kind }) => kind === 'cluster');
  return new Compiler(runtime, new Set(clusters.map(({ name }) => name)), {
    ...(knownSecret === undefined ? {} : { knownSecret }),
    discovery: discoveryIn(loaded),
  });
}

/** Where load is reported to is the primary's business; workers do not know that cluster. */
function workersPart(message: ClusterManager): ClusterManager {
  const { loadStatsConfig: _primary, ...rest } = message;
  return create(ClusterManagerSchema, rest);
}

/** What sources that servers name may refer to: what stands in the bootstrap. */
function discoveryIn(loaded: GoodBootstrap): DiscoveryEnvironment {
  const clusters = loaded.resources.filter(({ kind }) => kind === 'cluster');
  const messages = clusters.map(({ message }) => message as Cluster);
  return discoveryOf(bootstrapOf(loaded), messages);
}

/** Each error with its place, a line each. */
function textOf(problems: LoadedBootstrap['problems']): string {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const lines = errors.map(({ file, line, column, path, reason }) => {
    const place = line === 0 ? file : `${file}:${line}:${column}`;
    return [place, path, reason].filter((part) => part !== '').join(': ');
  });
  return lines.join('\n');
}

function bootstrapOf({ resources }: GoodBootstrap): Bootstrap {
  const found = resources.find(({ kind }) => kind === 'bootstrap');
  if (found === undefined) throw new Error('a loaded configuration has no bootstrap');
  return found.message as Bootstrap;
}

/** What else is in use came because these refer to it. */
function isOfBootstrap(kind: Resource['kind']): boolean {
  return kind === 'cluster' || kind === 'listener';
}

/** All that workers run on. */
function runResources({ resources }: GoodBootstrap): readonly Resource[] {
  return resources.filter(({ kind }) => kind !== 'bootstrap');
}

function isSame(left: Resource, right: Resource): boolean {
  const schema = apiRegistry.getMessage(left.message.$typeName);
  return schema !== undefined && equals(schema, left.message, right.message);
}

function only(bootstrap: Bootstrap, part: (typeof FIXED_PARTS)[number]): Bootstrap {
  const message = create(BootstrapSchema);
  Object.assign(message, { [part]: bootstrap[part] });
  return message;
}
