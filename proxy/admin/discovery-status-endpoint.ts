// /discovery_status: where resources come from and how far each type is. Envoy has no such endpoint;
// there only its server knows.
import type { JsonObject, SourceStatus, SourceTypeStatus } from './backend.ts';
import {
  type AdminContext,
  type AdminReply,
  type AdminRequest,
  type Endpoint,
  jsonReply,
} from './endpoint.ts';

/** For `outrigger proxy-status`. */
export const DISCOVERY_STATUS_ENDPOINT: Endpoint = {
  path: '/discovery_status',
  help: 'print sources of dynamic configuration, and what was accepted of each type',
  params: [],
  mutates: false,
  handle: handleDiscoveryStatus,
};

function handleDiscoveryStatus(_request: AdminRequest, { backend }: AdminContext): AdminReply {
  const { node, version } = backend.serverInfo();
  return jsonReply({ node, version, sources: backend.discoveryStatus().map(sourceJson) });
}

function sourceJson(source: SourceStatus): JsonObject {
  const { controlPlane, isAggregated, isConnected, server, types, variant } = source;
  return {
    ...{ server, aggregated: isAggregated, variant, connected: isConnected },
    ...(controlPlane === '' ? {} : { control_plane: controlPlane }),
    types: types.map(typeJson),
  };
}

function typeJson(status: SourceTypeStatus): JsonObject {
  const { names, received, typeUrl, version } = status;
  const isAll = names.includes('*');
  return {
    ...{ type_url: typeUrl, state: stateOf(status), version },
    ...(isAll ? { wildcard: true } : {}),
    resource_names: names.filter((name) => name !== '*').sort(),
    ...(received === null ? {} : { received_version: received.version, nonce: received.nonce }),
    ...(received === null || received.error === '' ? {} : { error: received.error }),
  };
}

/** As admin.v3.ClientResourceStatus calls them; RECEIVED: the answer waits until all of it is used. */
function stateOf({ isAnswered, received }: SourceTypeStatus): string {
  if (received === null) return 'REQUESTED';
  if (!isAnswered) return 'RECEIVED';
  return received.error === '' ? 'ACKED' : 'NACKED';
}
