// A ClusterLoadAssignment as a source sent it, ready for workers.
import { isDeepStrictEqual } from 'node:util';
import type { Message } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { ClusterLoadAssignment } from '../../api/gen/envoy/config/endpoint/v3/endpoint_pb.js';
import { apiRegistry } from '../../api/registry.ts';
import { type AssignmentConfig, compileAssignment } from '../../config/compile/eds.ts';
import { DEFAULT_OVERPROVISIONING_PERCENT } from '../../config/compile/priority-rules.ts';
import { ProblemSink } from '../../config/schema/compile-context.ts';
import { openOnce } from '../../config/schema/open-any.ts';
import type { EndpointConfig, EndpointPolicy } from '../../model/cluster.ts';
import type { ResolvedEndpoint } from '../../upstream/resolved-endpoint.ts';
import type { DiscoveredResource } from '../../xds/discovery.ts';
import { compactContent } from '../../xds/known-resources.ts';
import { TYPE_URLS } from '../../xds/resource-types.ts';
import { compileEnvironment } from '../compiler.ts';
import { draftAssignment } from './assignment-octets.ts';
import { readOnce } from './discovered-message.ts';

/** An assignment that passed every check. */
export interface Assignment {
  /** As it came: opened again by who asks, because all of them together are large. */
  readonly content: Any;
  readonly version: string;
  readonly config: AssignmentConfig;
  readonly endpoints: readonly ResolvedEndpoint[];
}

/** What an assignment says. */
export function assignmentMessage({ content }: Assignment): Message {
  const opened = openOnce(content, apiRegistry);
  if (opened === null) throw new Error('an assignment in use cannot be opened');
  return opened.message;
}

/** What most say of their endpoints as a whole: one object for all of them. */
const COMMON_POLICY: EndpointPolicy = Object.freeze({
  overprovisioningPercent: DEFAULT_OVERPROVISIONING_PERCENT,
  isHealthWeighted: false,
  dropOverload: null,
});

/** Nothing in endpoints depends on the runtime or on other resources. */
const environment = compileEnvironment(new Map(), null);

/**
 * The assignment of that service, or why it is refused. `before` is the one in use, whose endpoints
 * are the very same objects where their octets are the same; null: there is none.
 */
export function readAssignment(
  resource: DiscoveredResource,
  serviceName: string,
  before: Assignment | null,
): Assignment | string {
  const { content, version } = resource;
  const known = before === null ? null : readChanges(content, serviceName, before);
  const config = known ?? readWhole(content, serviceName);
  if (typeof config === 'string') return config;
  const isCommon = isDeepStrictEqual(config.policy, COMMON_POLICY);
  return {
    content: compactContent(content),
    version,
    config: isCommon ? Object.freeze({ ...config, policy: COMMON_POLICY }) : config,
    endpoints: resolvedEndpoints(config.endpoints, before),
  };
}

/** It says what that one says. */
export function isSameAssignment({ content }: DiscoveredResource, before: Assignment): boolean {
  const { typeUrl, value } = before.content;
  return typeUrl === content.typeUrl && Buffer.compare(value, content.value) === 0;
}

/** The same endpoints, whatever else is said of them all. */
export function hasSameEndpoints(left: Assignment, right: Assignment): boolean {
  if (left.endpoints.length !== right.endpoints.length) return false;
  return left.endpoints.every(({ endpoint, ip, port }, index) => {
    const other = right.endpoints[index];
    // Most are the same object.
    if (other === undefined || endpoint === other.endpoint) return other !== undefined;
    return ip === other.ip && port === other.port && isDeepStrictEqual(endpoint, other.endpoint);
  });
}

function readWhole(content: Any, serviceName: string): AssignmentConfig | string {
  const read = readOnce(content, TYPE_URLS.endpoint);
  if (!read.ok) return read.error;
  return compile(read.message as ClusterLoadAssignment, serviceName);
}

/** null: it has to be read as a whole, also to say what is wrong with it. */
function readChanges(
  content: Any,
  serviceName: string,
  before: Assignment,
): AssignmentConfig | null {
  if (content.typeUrl !== before.content.typeUrl) return null;
  const draft = draftAssignment(content.value, before.content.value);
  if (draft === null) return null;
  const changes = readWhole({ ...content, value: draft.octets }, serviceName);
  if (typeof changes === 'string') return null;
  let next = 0;
  const endpoints: EndpointConfig[] = [];
  for (const index of draft.kept) {
    const endpoint = index < 0 ? changes.endpoints[next++] : before.config.endpoints[index];
    if (endpoint === undefined) return null;
    endpoints.push(endpoint);
  }
  return Object.freeze({ ...changes, endpoints: Object.freeze(endpoints) });
}

function compile(message: ClusterLoadAssignment, serviceName: string): AssignmentConfig | string {
  if (message.clusterName !== serviceName) {
    return `Unexpected EDS cluster (expecting ${serviceName}): ${message.clusterName}`;
  }
  const sink = new ProblemSink(environment, `endpoint/${serviceName}`);
  const config = compileAssignment(message, sink.context());
  if (config !== null) return config;
  return sink.rejections.map(({ path, reason }) => `${path}: ${reason}`).join('; ');
}

/** No member is copied: there are a hundred thousand. */
function resolvedEndpoints(
  endpoints: readonly EndpointConfig[],
  before: Assignment | null,
): readonly ResolvedEndpoint[] {
  return endpoints.map((endpoint, endpointIndex) => {
    const known = before?.endpoints[endpointIndex];
    if (known?.endpoint === endpoint) return known;
    return { ip: endpoint.address, port: endpoint.port, endpointIndex, endpoint };
  });
}
