// The extension seam: how a filter, access logger or transport socket takes part in compiling a
// configuration. One definition per extension, listed in a registry table; nothing registers itself.
import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { FormatEnvironment } from '../formatter/format-options.ts';
import type { FilterRef } from './config-source.ts';
import type { DnsCacheConfig } from './dns-cache.ts';
import type { RuntimeValues } from './runtime.ts';
import type { SecretValue } from './secret.ts';

/** What becomes of one field of a message: the same table validates and writes the documentation. */
export type FieldSupport =
  /** Works as in Envoy. */
  | 'honoured'
  /** Has no meaning here and harms nobody when dropped; the text says why. Reported as a warning. */
  | { readonly accepted: string }
  /** Does nothing, as extensions that are passed through, and is told like them, once a process. */
  | { readonly passedThrough: string }
  /** Works for some values or with a difference that the text names. */
  | { readonly partly: string }
  /** Refused like a field that is not listed, for a reason worth saying. */
  | { readonly refused: string };

/** Support of a message's fields by proto name. A field that is not listed is refused by name. */
export type SupportTable = Readonly<Record<string, FieldSupport>>;

/** Collects what is wrong while a resource is compiled; every method may be called any number of times. */
export interface CompileContext {
  /** Refuses the resource. `path` is relative to the message at hand: `filter_chains[0].filters[1]`. */
  reject(path: string, reason: string): void;
  /** Accepts, and tells the author. */
  warn(path: string, reason: string): void;
  /** The same context one or more steps deeper. */
  at(path: string): CompileContext;
  /** True once anything was refused in this resource. */
  readonly failed: boolean;
  /** Where the message at hand stands among all there are: the same in every process. */
  readonly place: string;
  /** What the resource is compiled against; the same object at every depth. */
  readonly environment: CompileEnvironment;
}

/** What surrounds a resource: compilers read it and never change it. */
export interface CompileEnvironment {
  readonly extensions: ExtensionRegistry;
  /** To be read with `config/compile/live-value.ts` where Envoy reads it at use. */
  readonly runtime: RuntimeValues;
  /** Clusters that routes may name when validate_clusters asks for it; null: not known, not checked. */
  readonly clusterNames: ReadonlySet<string> | null;
  /** False: the bootstrap has no envoy.bootstrap.internal_listener, null: not known, not checked. */
  readonly hasInternalListeners: boolean | null;
  /** Secrets of static_resources by name; null: not known, not checked. */
  readonly secretKinds: ReadonlyMap<string, SecretValue['kind']> | null;
  /** What the bootstrap says about sources of configuration; absent: not known, not checked. */
  readonly discovery?: DiscoveryEnvironment;
  /**
   * Told of each DNS cache of dynamic forward proxies; false: another of that name has other
   * settings. Absent: others are not known.
   */
  readonly noteDnsCache?: (cache: DnsCacheConfig) => boolean;
  /** Told of each extension that is accepted without effect; absent: nobody asks. */
  readonly onPassedThrough?: (extension: PassedThroughExtension) => void;
  /** What format strings print about the process; its variables serve data sources too. */
  readonly format: FormatEnvironment;
  /** Content of a data source's file; null when it cannot be read. */
  readFile(path: string): Uint8Array | null;
  /** Why an access log cannot be opened at this path; null when it can. */
  probeLogFile(path: string): string | null;
  /**
   * The value in use of a secret whose parts stand in files, by its key: such files are not read
   * again to compile, for they may be half written just now. null: it is not in use yet.
   */
  knownSecret(key: string): SecretValue | null;
}

/** An extension that a resource names and that does nothing here. */
export interface PassedThroughExtension {
  /** Envoy's name for it. */
  readonly name: string;
  /** Envoy's name of the place where it stands: `envoy.filters.http`. */
  readonly category: string;
  /** Full name of its configuration's type. */
  readonly typeName: string;
}

/** What sources of configuration may refer to. */
export interface DiscoveryEnvironment {
  /** The node has an id and a cluster, which every server is told. */
  readonly hasNode: boolean;
  /** A server may have another one to fall back to. */
  readonly hasFallback: boolean;
  /** Clusters of the bootstrap whose hosts no server has to tell. */
  readonly clusters: ReadonlySet<string>;
}

/** One extension of one category. */
export interface ExtensionDefinition<M extends Message = Message, C = unknown> {
  /** Envoy's canonical name: `envoy.filters.http.router`. */
  readonly name: string;
  /** Descriptor of its configuration; its type name is what `@type` must say. */
  readonly schema: DescMessage;
  /** Field tables of the configuration and of each message type that only it uses, by type name. */
  readonly support: Readonly<Record<string, SupportTable>>;
  /**
   * Checks and freezes a decoded configuration whose fields all passed `support` and the proto's
   * own validation rules. Problems go to `context`; null when there is no usable value.
   */
  compile(message: M, context: CompileContext): C | null;
}

/** A transport socket; it compiles to a DownstreamTransportConfig or an UpstreamTransportConfig. */
export interface TransportSocketDefinition<M extends Message = Message, C = unknown>
  extends ExtensionDefinition<M, C> {
  /** Where it may be used. */
  readonly side: 'downstream' | 'upstream' | 'both';
}

/** What an HTTP filter takes as typed_per_filter_config, which its own message may be as well. */
export type PerRouteDefinition<M extends Message = Message, R = unknown> = Omit<
  ExtensionDefinition<M, R>,
  'name'
>;

/** A network or HTTP filter. */
export interface FilterDefinition<M extends Message = Message, C = unknown>
  extends ExtensionDefinition<M, C> {
  /** A terminal filter must be the last of its chain, and the last must be terminal. */
  readonly isTerminal: boolean;
  /**
   * What routes say to it is made with the route table, not with the first request: it takes cells
   * that all workers share, and gets them only after a moment.
   */
  readonly isMadeEarly?: boolean;
  /** It does nothing, and chains do without it: Envoy's name of its category. Absent: it works. */
  readonly passedThroughIn?: string;
  /** Absent: routes cannot configure it, only switch it off and on. */
  readonly perRoute?: PerRouteDefinition;
}

/** One entry of typed_per_filter_config. */
export interface PerFilterConfig {
  /** Whose configuration it is; null: the entry only switches the filter off or on. */
  readonly definition: FilterDefinition | null;
  /** What `perRoute.compile` gave; null with the definition. */
  readonly config: unknown;
  readonly disabled: boolean;
}

/** typed_per_filter_config of one level, by the name that the chain gives the filter. */
export type PerFilterConfigs = ReadonlyMap<string, PerFilterConfig>;

/** Key of what a deprecated field says to the filter of this canonical name: any chain's, whatever its name. */
export function perFilterKeyOfField(filterName: string): string {
  return `deprecated field of ${filterName}`;
}

/** A level that configures no filter. */
export const NO_PER_FILTER_CONFIG: PerFilterConfigs = new Map();

/** The categories in which typed configurations are looked up. */
export interface ExtensionRegistry {
  readonly networkFilters: readonly FilterDefinition[];
  readonly httpFilters: readonly FilterDefinition[];
  readonly listenerFilters: readonly ExtensionDefinition[];
  readonly accessLoggers: readonly ExtensionDefinition[];
  readonly transportSockets: readonly TransportSocketDefinition[];
}

/** A filter with what it is told to do. */
export interface ToldFilter {
  readonly definition: ExtensionDefinition;
  readonly config: unknown;
}

/** core.v3.ExtensionConfigSource: where a filter's configuration comes from. */
export interface FilterDiscovery {
  readonly ref: FilterRef;
  /** default_config: what it does as long as nothing was told; null: nobody passes. */
  readonly fallback: ToldFilter | null;
}

/** An extension that a resource names, with its compiled configuration. */
export interface ExtensionInstance<C = unknown> {
  /** The name the author gave, by which per-route configuration refers to it. */
  readonly name: string;
  readonly definition: ExtensionDefinition;
  readonly config: C;
  /** HttpFilter.disabled */
  readonly disabled: boolean;
  /** Not absent: its definition and configuration are told by name, and those here stand for them. */
  readonly discovery?: FilterDiscovery;
}
