// What the matchers of a tree read: inputs by the type of their configuration, and custom matchers of
// the values that they give.
import type { Message } from '@bufbuild/protobuf';
import {
  DestinationIPInputSchema,
  DestinationPortInputSchema,
  DirectSourceIPInputSchema,
  type FilterStateInput,
  FilterStateInputSchema,
  ServerNameInputSchema,
  SourceIPInputSchema,
  SourcePortInputSchema,
} from '../../api/gen/envoy/extensions/matching/common_inputs/network/v3/network_inputs_pb.js';
import {
  DnsSanInputSchema,
  SubjectInputSchema,
  UriSanInputSchema,
} from '../../api/gen/envoy/extensions/matching/common_inputs/ssl/v3/ssl_inputs_pb.js';
import {
  type Ip,
  IpSchema,
} from '../../api/gen/envoy/extensions/matching/input_matchers/ip/v3/ip_pb.js';
import {
  type HttpRequestHeaderMatchInput,
  HttpRequestHeaderMatchInputSchema,
} from '../../api/gen/envoy/type/matcher/v3/http_inputs_pb.js';
import { parseIp } from '../../base/ip-address.ts';
import { IpPrefix } from '../../base/ip-prefix.ts';
import type { CompileContext } from '../../model/extension.ts';
import type {
  ConnectionInput,
  MatchInputConfig,
  MatchValueConfig,
} from '../../model/match-tree.ts';
import { compileEach } from './compile-each.ts';

/** Inputs that a kind of tree takes, by type name. */
export type MatchInputs = ReadonlyMap<string, (message: Message) => MatchInputConfig>;

const HEADER: readonly [string, (message: Message) => MatchInputConfig] = [
  HttpRequestHeaderMatchInputSchema.typeName,
  (message) => ({
    kind: 'header',
    name: (message as HttpRequestHeaderMatchInput).headerName.toLowerCase(),
  }),
];
const FILTER_STATE: readonly [string, (message: Message) => MatchInputConfig] = [
  FilterStateInputSchema.typeName,
  (message) => ({ kind: 'filter-state', key: (message as FilterStateInput).key }),
];

/** What routes are chosen by. */
export const ROUTE_INPUTS: MatchInputs = new Map([HEADER, FILTER_STATE]);

/** What connections are judged by. */
export const CONNECTION_INPUTS: MatchInputs = new Map([
  FILTER_STATE,
  ofConnection(DestinationIPInputSchema.typeName, 'destination-ip'),
  ofConnection(DestinationPortInputSchema.typeName, 'destination-port'),
  ofConnection(SourceIPInputSchema.typeName, 'source-ip'),
  ofConnection(SourcePortInputSchema.typeName, 'source-port'),
  ofConnection(DirectSourceIPInputSchema.typeName, 'direct-source-ip'),
  ofConnection(ServerNameInputSchema.typeName, 'server-name'),
  ofConnection(UriSanInputSchema.typeName, 'uri-san'),
  ofConnection(DnsSanInputSchema.typeName, 'dns-san'),
  ofConnection(SubjectInputSchema.typeName, 'subject'),
]);

/** What requests are judged by. */
export const REQUEST_INPUTS: MatchInputs = new Map([HEADER, ...CONNECTION_INPUTS]);

function ofConnection(
  typeName: string,
  kind: ConnectionInput,
): readonly [string, () => MatchInputConfig] {
  return [typeName, () => ({ kind })];
}

/** A matcher of an extension; null and a rejection for one that is not known. */
export function compileCustomMatch(
  message: Message,
  context: CompileContext,
): MatchValueConfig | null {
  if (message.$typeName !== IpSchema.typeName) {
    const missing = `Didn't find a registered implementation with type URL: '${message.$typeName}'`;
    context.reject('', `${missing}: use ${IpSchema.typeName}, or value_match`);
    return null;
  }
  const field = { path: 'cidr_ranges', items: (message as Ip).cidrRanges };
  const networks = compileEach(field, context, ({ addressPrefix, prefixLen = 0 }, at) => {
    const octets = parseIp(addressPrefix);
    if (octets !== null) return new IpPrefix(octets, prefixLen);
    at.reject('address_prefix', `malformed IP address: ${addressPrefix}`);
    return null;
  });
  return { kind: 'ip', networks };
}
