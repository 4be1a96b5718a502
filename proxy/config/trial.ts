// Compiles each resource of a bootstrap once, to find what only compiling finds; the results are
// thrown away, for workers compile the messages for themselves.
import { create, type Message } from '@bufbuild/protobuf';
import {
  type Bootstrap,
  type Bootstrap_StaticResources,
  BootstrapSchema,
} from '../api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { Secret } from '../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { BootstrapConfig } from '../model/bootstrap.ts';
import type { CompileContext, CompileEnvironment } from '../model/extension.ts';
import type { Resource, ResourceKind } from '../model/resource.ts';
import { compileBootstrap } from './compile/bootstrap.ts';
import { compileCluster } from './compile/cluster.ts';
import { discoveryEnvironment } from './compile/dynamic-resources.ts';
import { hasInternalListeners } from './compile/internal-listeners.ts';
import { compileListener } from './compile/listener.ts';
import { checkStaticResources, staticClusterNames } from './compile/static-resources.ts';
import { compileSecret } from './compile/tls/secret.ts';
import { staticSecretKinds } from './compile/tls/static-secrets.ts';
import type { MergedSources } from './merge-sources.ts';
import { ProblemSink, type ResourceCompiler } from './schema/compile-context.ts';
import { isConsequence, isWithin } from './schema/decode-resource.ts';
import type { Problem } from './schema/problems.ts';

/** What a trial starts from. */
export interface TrialRun {
  /** What was refused before: undecodable, against a rule, unsupported. */
  readonly rejected: readonly Problem[];
  /** Of all resources. */
  readonly version: string;
  readonly outside: Pick<CompileEnvironment, 'extensions' | 'format' | 'readFile' | 'probeLogFile'>;
}

/** One of the bootstrap's static resources. */
interface StaticResource<M extends Message> {
  readonly kind: ResourceKind;
  readonly path: string;
  readonly message: M;
}

/** Collects the resources that compile, and the problems of those that do not. */
export class Trial {
  readonly resources: Resource[] = [];
  readonly #merged: MergedSources;
  readonly #run: TrialRun;

  constructor(merged: MergedSources, run: TrialRun) {
    this.#merged = merged;
    this.#run = run;
  }

  /** Compiles everything; null when the bootstrap itself cannot be used. */
  run(message: Bootstrap): BootstrapConfig | null {
    const { extensions, format, readFile, probeLogFile } = this.#run.outside;
    // What is in use is not known here: files are read as they are.
    const outside = { extensions, format, readFile, probeLogFile, knownSecret: () => null };
    const bootstrap = this.#compileBootstrap(message, {
      ...outside,
      runtime: new Map(),
      clusterNames: null,
      hasInternalListeners: null,
      secretKinds: null,
      ...this.#sources(message),
    });
    const environment = {
      ...outside,
      runtime: bootstrap?.runtime ?? new Map(),
      clusterNames: this.#clusterNames(message),
      hasInternalListeners: hasInternalListeners(message.bootstrapExtensions),
      secretKinds: this.#secretKinds(message),
      noteDnsCache: sameDnsCaches(),
      ...this.#sources(message),
    };
    const none = { clusters: [], listeners: [], secrets: [] };
    const { clusters, listeners, secrets } = message.staticResources ?? none;
    secrets.forEach((secret, index) => {
      const path = `static_resources.secrets[${index}]`;
      this.#checkSecret({ kind: 'secret', path, message: secret }, environment);
    });
    clusters.forEach((cluster, index) => {
      const path = `static_resources.clusters[${index}]`;
      this.#compile({ kind: 'cluster', path, message: cluster }, environment, compileCluster);
    });
    listeners.forEach((listener, index) => {
      const path = `static_resources.listeners[${index}]`;
      this.#compile({ kind: 'listener', path, message: listener }, environment, compileListener);
    });
    return bootstrap;
  }

  /** null where a name may be missing only because what should give it was refused. */
  #clusterNames(message: Bootstrap): ReadonlySet<string> | null {
    const names = staticClusterNames(message);
    const isGiver = /^(?:static_resources\.\w+$|dynamic_resources)/;
    const isIncomplete = this.#run.rejected.some(({ path }) => isGiver.test(path));
    return isIncomplete || names.has('') ? null : names;
  }

  /** The same of secrets. */
  #secretKinds(message: Bootstrap): CompileEnvironment['secretKinds'] {
    const isGiver = /^static_resources\.secrets/;
    const isIncomplete = this.#run.rejected.some(({ path }) => isGiver.test(path));
    return isIncomplete ? null : staticSecretKinds(message);
  }

  /** What sources may refer to; nothing where it may be missing only because it was refused. */
  #sources(message: Bootstrap): Pick<CompileEnvironment, 'discovery'> {
    const isGiver = /^(?:node|static_resources\.clusters)/;
    const isIncomplete = this.#run.rejected.some(({ path }) => isGiver.test(path));
    return isIncomplete ? {} : { discovery: discoveryEnvironment(message) };
  }

  #compileBootstrap(message: Bootstrap, environment: CompileEnvironment): BootstrapConfig | null {
    const own = this.#run.rejected.filter(({ path }) => !/^static_resources\.\w+\[/.test(path));
    const bootstrap = this.#report(environment, { path: '', rejected: own }, (context) => {
      checkStaticResources(message, context);
      return compileBootstrap(message, context);
    });
    if (bootstrap !== null) this.#publish('bootstrap', '', withoutResources(message));
    return bootstrap;
  }

  #compile<M extends Message, C extends { readonly name: string }>(
    { kind, path, message }: StaticResource<M>,
    environment: CompileEnvironment,
    compile: ResourceCompiler<M, C>,
  ): void {
    const rejected = this.#run.rejected.filter((it) => isWithin(it.path, path));
    const part = { path, rejected };
    const config = this.#report(environment, part, (context) => compile(message, context));
    if (config !== null) this.#publish(kind, config.name, message);
  }

  /** Secrets stay in the bootstrap: who names one is given it by whoever owns the secrets. */
  #checkSecret({ path, message }: StaticResource<Secret>, environment: CompileEnvironment): void {
    const rejected = this.#run.rejected.filter((it) => isWithin(it.path, path));
    this.#report(environment, { path, rejected }, (context) => compileSecret(message, context));
  }

  #report<C>(
    environment: CompileEnvironment,
    part: { readonly path: string; readonly rejected: readonly Problem[] },
    compile: (context: CompileContext) => C | null,
  ): C | null {
    const sink = new ProblemSink(environment);
    const isWhole = part.rejected.length === 0;
    const config = isWhole
      ? compile(sink.context(part.path))
      : compilePart(sink.context(part.path), compile);
    const isNew = (problem: { readonly path: string }): boolean =>
      isWhole || !isConsequence(problem, part.rejected);
    for (const it of sink.rejections.filter(isNew)) this.#merged.add('error', it);
    for (const it of sink.warnings.filter(isNew)) this.#merged.add('warning', it);
    return isWhole ? config : null;
  }

  #publish(kind: ResourceKind, name: string, message: Message): void {
    this.resources.push({ kind, name, version: this.#run.version, message });
  }
}

/** Compiles what is left of a resource that was refused already, for the problems in the rest. */
function compilePart<C>(
  context: CompileContext,
  compile: (context: CompileContext) => C | null,
): null {
  try {
    compile(context);
  } catch {
    // What was refused may be what compiling takes for granted; problems found until here count.
  }
  return null;
}

/** The same bootstrap with nothing that is a resource of its own. */
function withoutResources(message: Bootstrap): Bootstrap {
  const bare = Object.assign(create(BootstrapSchema), message);
  if (message.staticResources === undefined) return bare;
  const rest: Bootstrap_StaticResources = {
    ...message.staticResources,
    clusters: [],
    listeners: [],
  };
  return Object.assign(bare, { staticResources: rest });
}

/** False for a DNS cache that has other settings than one of that name before it. */
function sameDnsCaches(): NonNullable<CompileEnvironment['noteDnsCache']> {
  const keys = new Map<string, string>();
  return ({ name, key }) => {
    const known = keys.get(name) ?? key;
    keys.set(name, known);
    return known === key;
  };
}
