// Messages told apart by their content.
import { createHash } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import {
  type FilterChain,
  FilterChainSchema,
} from '../../api/gen/envoy/config/listener/v3/listener_components_pb.js';
import {
  type Listener,
  ListenerSchema,
} from '../../api/gen/envoy/config/listener/v3/listener_pb.js';

/** The same for chains that say the same. */
export function chainFingerprint(message: FilterChain): string {
  return hashOf(toBinary(FilterChainSchema, message));
}

/** The same for listeners that differ in their filter chains only. */
export function listenerFingerprint(message: Listener): string {
  const { defaultFilterChain: _last, filterChains: _chains, ...members } = message;
  const rest = Object.assign(create(ListenerSchema), members);
  return hashOf(toBinary(ListenerSchema, rest));
}

function hashOf(octets: Uint8Array): string {
  return createHash('sha256').update(octets).digest('base64');
}
