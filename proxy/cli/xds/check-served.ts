// What is wrong with a resource before it is served: what this proxy would say of it.
import type { Message } from '@bufbuild/protobuf';
import type { ClusterLoadAssignment } from '../../api/gen/envoy/config/endpoint/v3/endpoint_pb.js';
import { compileAssignment } from '../../config/compile/eds.ts';
import { CORE_SUPPORT } from '../../config/compile/support/core-support.ts';
import { joinPath, ProblemSink } from '../../config/schema/compile-context.ts';
import { checkDecoded } from '../../config/schema/decode-resource.ts';
import { allSupport } from '../../config/schema/support.ts';
import type { CheckContent, Faults } from '../../discovery-server/check-content.ts';
import { EXTENSIONS } from '../../filters/extensions.ts';
import type { ResourceKind } from '../../model/resource.ts';
import { Compiler } from '../../server/compiler.ts';

/** How much is checked. */
export const CHECKS = ['full', 'rules', 'off'] as const;

/** One of CHECKS. */
export type CheckLevel = (typeof CHECKS)[number];

const COMPILED: ReadonlyMap<string, ResourceKind> = new Map([
  ['envoy.config.listener.v3.Listener', 'listener'],
  ['envoy.config.cluster.v3.Cluster', 'cluster'],
  ['envoy.config.route.v3.RouteConfiguration', 'route'],
  ['envoy.extensions.transport_sockets.tls.v3.Secret', 'secret'],
]);
const ASSIGNMENT = 'envoy.config.endpoint.v3.ClusterLoadAssignment';

/**
 * `full`: whatever `validate` finds; `rules`: what is against the API, for clients that know more
 * than this proxy; `off`: what cannot be decoded, for trying out how clients refuse.
 */
export function makeCheck(level: CheckLevel): CheckContent {
  if (level === 'off') return (_, found) => found;
  const support = level === 'full' ? allSupport(CORE_SUPPORT, EXTENSIONS) : null;
  return (content, found, path) => {
    const checked = checkDecoded(content, { support, path }, found);
    const { warnings } = checked;
    if (!checked.ok) return { rejections: checked.rejections, warnings };
    const compiled = level === 'full' ? compile(content.message, path) : NO_FAULTS;
    return { rejections: compiled.rejections, warnings: [...warnings, ...compiled.warnings] };
  };
}

const NO_FAULTS: Faults = Object.freeze({ rejections: [], warnings: [] });

function compile(message: Message, path: string): Faults {
  const compiler = new Compiler(new Map(), null);
  if (message.$typeName === ASSIGNMENT) {
    const sink = new ProblemSink(compiler.environment);
    compileAssignment(message as ClusterLoadAssignment, sink.context(path));
    return sink;
  }
  const kind = COMPILED.get(message.$typeName);
  if (kind === undefined) return NO_FAULTS;
  const { rejected, warned } = compiler.any({ kind, name: '', version: '', message });
  return {
    rejections: (rejected?.problems ?? []).map((problem) => below(path, problem)),
    warnings: (warned?.problems ?? []).map((problem) => below(path, problem)),
  };
}

function below<P extends { readonly path: string }>(path: string, problem: P): P {
  return { ...problem, path: joinPath(path, problem.path) };
}
