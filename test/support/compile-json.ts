// Compiles resources written as JSON, with the problems that compiling reported.
import { type DescMessage, fromJson, type JsonValue, type MessageShape } from '@bufbuild/protobuf';
import { BufferSchema } from '../../proxy/api/gen/envoy/extensions/filters/http/buffer/v3/buffer_pb.js';
import { RouterSchema } from '../../proxy/api/gen/envoy/extensions/filters/http/router/v3/router_pb.js';
import type { HttpConnectionManager } from '../../proxy/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { HttpConnectionManagerSchema } from '../../proxy/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { RBACSchema as NetworkRbacSchema } from '../../proxy/api/gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.js';
import { apiRegistry } from '../../proxy/api/registry.ts';
import type { Rejection, Warning } from '../../proxy/base/result.ts';
import {
  FILE_ACCESS_LOGGER,
  STDERR_ACCESS_LOGGER,
  STDOUT_ACCESS_LOGGER,
} from '../../proxy/config/compile/access-loggers.ts';
import { compileHttpConnectionManager } from '../../proxy/config/compile/http-connection-manager.ts';
import {
  TRANSPORT_SOCKETS,
  UNSERVED_TRANSPORT_SOCKETS,
} from '../../proxy/config/compile/transport-sockets.ts';
import { ProblemSink } from '../../proxy/config/schema/compile-context.ts';
import type {
  CompileContext,
  CompileEnvironment,
  ExtensionRegistry,
  FilterDefinition,
} from '../../proxy/model/extension.ts';

const TYPE_PREFIX = 'type.googleapis.com/envoy.';

/** An `@type` member for a type of the Envoy API, without its leading `envoy.`. */
export function typed(name: string, members: { [key: string]: JsonValue } = {}): JsonValue {
  return { '@type': TYPE_PREFIX + name, ...members };
}

function filter(name: string, schema: DescMessage, isTerminal: boolean): FilterDefinition {
  return { name, schema, support: {}, isTerminal, compile: () => ({}) };
}

const hcm: FilterDefinition = {
  ...filter('envoy.filters.network.http_connection_manager', HttpConnectionManagerSchema, true),
  compile: (message, context) =>
    compileHttpConnectionManager(message as HttpConnectionManager, context),
};

/** Extensions enough for every test of compilers: one terminal and one other filter of each kind. */
export const testExtensions: ExtensionRegistry = {
  networkFilters: [hcm, filter('envoy.filters.network.rbac', NetworkRbacSchema, false)],
  httpFilters: [
    filter('envoy.filters.http.router', RouterSchema, true),
    filter('envoy.filters.http.buffer', BufferSchema, false),
  ],
  listenerFilters: [],
  accessLoggers: [FILE_ACCESS_LOGGER, STDOUT_ACCESS_LOGGER, STDERR_ACCESS_LOGGER],
  transportSockets: [...TRANSPORT_SOCKETS, ...UNSERVED_TRANSPORT_SOCKETS],
};

/** An environment without files, variables, runtime values or known clusters. */
export function testEnvironment(members: Partial<CompileEnvironment> = {}): CompileEnvironment {
  return {
    extensions: testExtensions,
    runtime: new Map(),
    clusterNames: null,
    hasInternalListeners: null,
    secretKinds: null,
    format: { hostname: 'vm', variable: () => null, uuid: () => '', utcOffsetMinutes: () => 0 },
    readFile: () => null,
    probeLogFile: () => null,
    knownSecret: () => null,
    ...members,
  };
}

/** What became of a message. */
export interface Compiled<C> {
  readonly value: C;
  readonly rejections: readonly Rejection[];
  readonly warnings: readonly Warning[];
}

/** Decodes `json` and hands it to `compile`. */
export function compileJson<D extends DescMessage, C>(
  source: {
    readonly schema: D;
    readonly json: JsonValue;
    readonly environment?: CompileEnvironment;
  },
  compile: (message: MessageShape<D>, context: CompileContext) => C,
): Compiled<C> {
  const sink = new ProblemSink(source.environment ?? testEnvironment());
  const message = fromJson(source.schema, source.json, { registry: apiRegistry });
  const value = compile(message, sink.context());
  return { value, rejections: sink.rejections, warnings: sink.warnings };
}

/** The problems as `path: reason`, for comparison. */
export function problemLines(problems: readonly Rejection[]): readonly string[] {
  return problems.map(({ path, reason }) => `${path}: ${reason}`);
}
