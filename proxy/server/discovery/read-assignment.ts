// A ClusterLoadAssignment as a source sent it, ready for workers.
import type { Message } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { ClusterLoadAssignment } from '../../api/gen/envoy/config/endpoint/v3/endpoint_pb.js';
import { apiRegistry } from '../../api/registry.ts';
import { type AssignmentConfig, compileAssignment } from '../../config/compile/eds.ts';
import { ProblemSink } from '../../config/schema/compile-context.ts';
import { openAny } from '../../config/schema/open-any.ts';
import type { ResolvedEndpoint } from '../../upstream/resolved-endpoint.ts';
import type { DiscoveredResource } from '../../xds/discovery.ts';
import { compactContent } from '../../xds/known-resources.ts';
import { TYPE_URLS } from '../../xds/resource-types.ts';
import { compileEnvironment } from '../compiler.ts';
import { readDiscovered } from './discovered-message.ts';

/** An assignment that passed every check. */
export interface Assignment {
  /** As it came: opened again by who asks, because all of them together are large. */
  readonly content: Any;
  readonly version: string;
  /** The same for the same content. */
  readonly hash: string;
  readonly config: AssignmentConfig;
  readonly endpoints: readonly ResolvedEndpoint[];
}

/** What an assignment says. */
export function assignmentMessage({ content }: Assignment): Message {
  const opened = openAny(content, apiRegistry);
  if (opened === null) throw new Error('an assignment in use cannot be opened');
  return opened.message;
}

/** Nothing in endpoints depends on the runtime or on other resources. */
const environment = compileEnvironment(new Map(), null);

/** The assignment of that service, or why it is refused; `hash` is that of its content. */
export function readAssignment(
  { content, version }: DiscoveredResource,
  serviceName: string,
  hash: string,
): Assignment | string {
  const read = readDiscovered(content, TYPE_URLS.endpoint);
  if (!read.ok) return read.error;
  const message = read.message as ClusterLoadAssignment;
  if (message.clusterName !== serviceName) {
    return `Unexpected EDS cluster (expecting ${serviceName}): ${message.clusterName}`;
  }
  const sink = new ProblemSink(environment, `endpoint/${serviceName}`);
  const config = compileAssignment(message, sink.context());
  if (config === null) {
    return sink.rejections.map(({ path, reason }) => `${path}: ${reason}`).join('; ');
  }
  const endpoints = config.endpoints.map((endpoint, endpointIndex) => ({
    ...{ ip: endpoint.address, port: endpoint.port },
    ...{ endpointIndex, endpoint },
  }));
  return { content: compactContent(content), version, hash, config, endpoints };
}
