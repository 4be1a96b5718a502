// Resource to runtime configuration: the same way from every source and in every process.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Message } from '@bufbuild/protobuf';
import { probeLogFile } from '../accesslog/probe-log-file.ts';
import type { Bootstrap } from '../api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { Cluster } from '../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { TypedExtensionConfig } from '../api/gen/envoy/config/core/v3/extension_pb.js';
import type { Listener } from '../api/gen/envoy/config/listener/v3/listener_pb.js';
import type { RouteConfiguration } from '../api/gen/envoy/config/route/v3/route_pb.js';
import type { ScopedRouteConfigurationsList } from '../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { Secret } from '../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { compileBootstrap } from '../config/compile/bootstrap.ts';
import { compileCluster } from '../config/compile/cluster.ts';
import { compileDiscoveredFilter } from '../config/compile/discovered-filter.ts';
import { compileListener } from '../config/compile/listener.ts';
import { prepareRouteTables } from '../config/compile/prepared-route-tables.ts';
import { compileRouteTable } from '../config/compile/route-table.ts';
import { compileScopeSet } from '../config/compile/scoped-routes.ts';
import { compileSecret } from '../config/compile/tls/secret.ts';
import { ProblemSink, type ResourceCompiler } from '../config/schema/compile-context.ts';
import { EXTENSIONS } from '../filters/extensions.ts';
import type { BootstrapConfig } from '../model/bootstrap.ts';
import type { ClusterConfig } from '../model/cluster.ts';
import type { FilterKind } from '../model/config-source.ts';
import type { CompileEnvironment, ToldFilter } from '../model/extension.ts';
import type { ListenerConfig } from '../model/listener.ts';
import type { RejectedResource, Resource } from '../model/resource.ts';
import type { RouteTableConfig } from '../model/route.ts';
import type { RuntimeValues } from '../model/runtime.ts';
import type { ScopeSetConfig } from '../model/scoped-routes.ts';
import type { SecretValue } from '../model/secret.ts';
import { SystemRandom } from './system-random.ts';

/** What a resource became; `config` is null when it was refused. */
export interface Compiled<C> {
  readonly config: C | null;
  readonly rejected: RejectedResource | null;
  readonly warned: RejectedResource | null;
}

/**
 * Compiles resources under one runtime. A message is compiled once: where the worker lives in the
 * primary's process, it gets the very object that the primary's check made.
 */
export class Compiler {
  readonly environment: CompileEnvironment;
  readonly #known = new WeakMap<Message, Compiled<unknown>>();

  constructor(
    runtime: RuntimeValues,
    clusterNames: ReadonlySet<string> | null,
    asks: Partial<Pick<CompileEnvironment, 'knownSecret' | 'onPassedThrough' | 'discovery'>> = {},
  ) {
    this.environment = { ...compileEnvironment(runtime, clusterNames), ...asks };
  }

  listener(resource: Resource): Compiled<ListenerConfig> {
    return this.#compile<Listener, ListenerConfig>(resource, compileListener);
  }

  /** Does the long parts of `listener` and `cluster` beforehand, in short steps. */
  *prepare({ kind, message }: Resource): Generator<void, void> {
    if (kind === 'listener' && !this.#known.has(message)) {
      yield* prepareRouteTables(message as Listener, this.environment);
    }
  }

  /** Compiles all of these, in short steps. */
  *prepareAll(resources: readonly Resource[]): Generator<void, void> {
    for (const resource of resources) {
      yield* this.prepare(resource);
      this.any(resource);
      yield;
    }
  }

  cluster(resource: Resource): Compiled<ClusterConfig> {
    return this.#compile<Cluster, ClusterConfig>(resource, compileCluster);
  }

  bootstrap(resource: Resource): Compiled<BootstrapConfig> {
    return this.#compile<Bootstrap, BootstrapConfig>(resource, compileBootstrap);
  }

  secret(resource: Resource): Compiled<SecretValue> {
    return this.#compile<Secret, SecretValue>(resource, compileSecret);
  }

  /** A route table that was discovered. */
  route(resource: Resource): Compiled<RouteTableConfig> {
    return this.#compile<RouteConfiguration, RouteTableConfig>(resource, (message, context) =>
      compileRouteTable(message, context, 'discovered'),
    );
  }

  /** Scopes that were discovered. */
  scopes(resource: Resource): Compiled<ScopeSetConfig> {
    return this.#compile<ScopedRouteConfigurationsList, ScopeSetConfig>(resource, compileScopeSet);
  }

  /** A filter that was discovered; neither a configuration nor a refusal: it was withdrawn. */
  filter(resource: Resource, kind: FilterKind): Compiled<ToldFilter> {
    return this.#compile<TypedExtensionConfig, ToldFilter>(resource, (message, context) =>
      compileDiscoveredFilter(message, kind, context),
    );
  }

  /** Compiles whatever kind a resource is of. */
  any(resource: Resource): Compiled<unknown> {
    if (resource.kind === 'listener') return this.listener(resource);
    if (resource.kind === 'cluster') return this.cluster(resource);
    if (resource.kind === 'bootstrap') return this.bootstrap(resource);
    if (resource.kind === 'secret') return this.secret(resource);
    if (resource.kind === 'route') return this.route(resource);
    if (resource.kind === 'scopes') return this.scopes(resource);
    if (resource.kind !== 'endpoint') return this.filter(resource, resource.kind);
    const reason = `resources of kind ${resource.kind} are not supported`;
    return { config: null, rejected: about(resource, [{ path: '', reason }]), warned: null };
  }

  #compile<M extends Message, C>(resource: Resource, compile: ResourceCompiler<M, C>): Compiled<C> {
    const known = this.#known.get(resource.message);
    if (known !== undefined) return known as Compiled<C>;
    const sink = new ProblemSink(this.environment, `${resource.kind}/${resource.name}`);
    const config = compile(resource.message as M, sink.context());
    const compiled = {
      config: sink.rejections.length === 0 ? config : null,
      rejected: sink.rejections.length === 0 ? null : about(resource, sink.rejections),
      warned: sink.warnings.length === 0 ? null : about(resource, sink.warnings),
    };
    this.#known.set(resource.message, compiled);
    return compiled;
  }
}

/** What surrounds resources on this machine. */
export function compileEnvironment(
  runtime: RuntimeValues,
  clusterNames: ReadonlySet<string> | null,
): CompileEnvironment {
  return {
    extensions: EXTENSIONS,
    runtime,
    clusterNames,
    // Only the trial of a whole bootstrap knows.
    hasInternalListeners: null,
    secretKinds: null,
    format: FORMAT_ENVIRONMENT,
    readFile,
    probeLogFile,
    knownSecret: nobodyKnows,
  };
}

function nobodyKnows(): null {
  return null;
}

const random = new SystemRandom();
const FORMAT_ENVIRONMENT: CompileEnvironment['format'] = {
  hostname: hostname(),
  variable: (name) => process.env[name] ?? null,
  uuid: () => random.uuid(),
  utcOffsetMinutes: (wallMs) => -new Date(wallMs).getTimezoneOffset(),
};

function about(resource: Resource, problems: RejectedResource['problems']): RejectedResource {
  return { kind: resource.kind, name: resource.name, problems };
}

function readFile(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch {
    // The compiler names the path and says that it cannot be read.
    return null;
  }
}
