// The way from a bootstrap file to resources: read, decode, check the rules and what is supported,
// compile for a trial; every problem of every part is reported at once, with its place.
import { createHash } from 'node:crypto';
import { create, type Message } from '@bufbuild/protobuf';
import {
  type Bootstrap,
  type Bootstrap_StaticResources,
  BootstrapSchema,
} from '../api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { BootstrapConfig } from '../model/bootstrap.ts';
import type { CompileContext, CompileEnvironment } from '../model/extension.ts';
import type { Resource, ResourceKind } from '../model/resource.ts';
import { compileBootstrap } from './compile/bootstrap.ts';
import { compileCluster } from './compile/cluster.ts';
import { compileListener } from './compile/listener.ts';
import { checkStaticResources, staticClusterNames } from './compile/static-resources.ts';
import { CORE_SUPPORT } from './compile/support/core-support.ts';
import { MergedSources } from './merge-sources.ts';
import { ProblemSink, type ResourceCompiler } from './schema/compile-context.ts';
import { checkDecoded, isWithin } from './schema/decode-resource.ts';
import { allSupport } from './schema/support.ts';
import type { LocatedProblem } from './source/report.ts';
import type { SourceText } from './source/source-file.ts';

/** What loading needs from outside. */
export interface LoadOptions
  extends Pick<CompileEnvironment, 'extensions' | 'format' | 'readFile' | 'probeLogFile'> {
  /** `--allow-unknown-static-fields`: unknown fields are warnings. */
  readonly allowUnknownFields: boolean;
}

/** A bootstrap that can be run, or why not; `texts` by file name serve the report. */
export type LoadedBootstrap =
  | {
      readonly ok: true;
      readonly bootstrap: BootstrapConfig;
      /** The bootstrap without its static resources, then clusters, then listeners. */
      readonly resources: readonly Resource[];
      readonly problems: readonly LocatedProblem[];
      readonly texts: ReadonlyMap<string, string>;
    }
  | {
      readonly ok: false;
      readonly problems: readonly LocatedProblem[];
      readonly texts: ReadonlyMap<string, string>;
    };

/**
 * Loads a bootstrap from one or more texts: a file, then what is merged over it (`--config-yaml`).
 * Never throws for what the texts hold.
 */
export function loadBootstrap(
  sources: readonly SourceText[],
  options: LoadOptions,
): LoadedBootstrap {
  const merged = new MergedSources(BootstrapSchema, options.allowUnknownFields);
  const message = merged.decode(sources) as Bootstrap;
  const { texts, problems } = merged;
  // Without one of the texts, what is left would have faults that are none.
  if (merged.isIncomplete) return { ok: false, problems, texts };
  const rejected = checkMerged(merged, message, options);
  const trial = new Trial(merged, { rejected, version: versionOf(sources), options });
  const bootstrap = trial.run(message);
  if (merged.failed || bootstrap === null) return { ok: false, problems, texts };
  return { ok: true, bootstrap, resources: trial.resources, problems, texts };
}

/** The version of a file's resources: a hash of all that they were read from. */
function versionOf(sources: readonly SourceText[]): string {
  const hash = createHash('sha256');
  for (const source of sources) hash.update(source.content);
  return hash.digest('hex').slice(0, 16);
}

/** Checks rules and support; answers the paths of everything that was refused so far. */
function checkMerged(
  merged: MergedSources,
  message: Bootstrap,
  options: LoadOptions,
): readonly string[] {
  const known = { rejections: merged.undecoded, warnings: [] };
  const tables = allSupport(CORE_SUPPORT, options.extensions);
  const checked = checkDecoded(
    { schema: BootstrapSchema, message },
    { support: tables, path: '' },
    known,
  );
  for (const warning of checked.warnings) merged.add('warning', warning);
  if (checked.ok) return [];
  for (const rejection of checked.rejections) {
    if (!merged.undecoded.includes(rejection)) merged.add('error', rejection);
  }
  return checked.rejections.map(({ path }) => path);
}

interface TrialRun {
  /** Paths of what was refused before. */
  readonly rejected: readonly string[];
  readonly version: string;
  readonly options: LoadOptions;
}

/** One of the bootstrap's static resources. */
interface StaticResource<M extends Message> {
  readonly kind: ResourceKind;
  readonly path: string;
  readonly message: M;
}

/** Compiles each resource once to find what only compiling finds; the results are thrown away. */
class Trial {
  readonly resources: Resource[] = [];
  readonly #merged: MergedSources;
  readonly #run: TrialRun;

  constructor(merged: MergedSources, run: TrialRun) {
    this.#merged = merged;
    this.#run = run;
  }

  run(message: Bootstrap): BootstrapConfig | null {
    const { extensions, format, readFile, probeLogFile } = this.#run.options;
    const outside = { extensions, format, readFile, probeLogFile };
    const bootstrap = this.#compileBootstrap(message, {
      ...outside,
      runtime: new Map(),
      clusterNames: null,
    });
    const environment = {
      ...outside,
      runtime: bootstrap?.runtime ?? new Map(),
      clusterNames: staticClusterNames(message),
    };
    const { clusters, listeners } = message.staticResources ?? { clusters: [], listeners: [] };
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

  #compileBootstrap(message: Bootstrap, environment: CompileEnvironment): BootstrapConfig | null {
    const isElsewhere = (path: string): boolean => /^static_resources\.\w+\[/.test(path);
    if (!this.#run.rejected.every(isElsewhere)) return null;
    const bootstrap = this.#report(environment, '', (context) => {
      checkStaticResources(message, context);
      return compileBootstrap(message, context);
    });
    this.#publish('bootstrap', '', withoutResources(message));
    return bootstrap;
  }

  #compile<M extends Message, C extends { readonly name: string }>(
    resource: StaticResource<M>,
    environment: CompileEnvironment,
    compile: ResourceCompiler<M, C>,
  ): void {
    const { kind, path, message } = resource;
    if (this.#run.rejected.some((rejected) => isWithin(rejected, path))) return;
    const config = this.#report(environment, path, (context) => compile(message, context));
    if (config !== null) this.#publish(kind, config.name, message);
  }

  #report<C>(
    environment: CompileEnvironment,
    path: string,
    compile: (context: CompileContext) => C | null,
  ): C | null {
    const sink = new ProblemSink(environment);
    const config = compile(sink.context(path));
    for (const rejection of sink.rejections) this.#merged.add('error', rejection);
    for (const warning of sink.warnings) this.#merged.add('warning', warning);
    return config;
  }

  #publish(kind: ResourceKind, name: string, message: Message): void {
    this.resources.push({ kind, name, version: this.#run.version, message });
  }
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
