// Sends a connection to the cluster that its server name (SNI) names.
import {
  type SniCluster,
  SniClusterSchema,
} from '../../api/gen/envoy/extensions/filters/network/sni_cluster/v3/sni_cluster_pb.js';
import {
  ADMIT,
  type ConnectionGate,
  type ConnectionGateDefinition,
  type GatedConnection,
} from '../network-filter.ts';
import { CLUSTER_STATE } from './tcp-proxy/session-overrides.ts';

/** envoy.filters.network.sni_cluster */
export const sniClusterDefinition: ConnectionGateDefinition<SniCluster> = {
  name: 'envoy.filters.network.sni_cluster',
  schema: SniClusterSchema,
  isTerminal: false,
  support: { [SniClusterSchema.typeName]: {} },
  compile: () => Object.freeze({}),
  gateFactory: () => ({ createGate: () => SNI_CLUSTER }),
};

/** Keeps nothing of a connection, so one serves all. */
const SNI_CLUSTER: ConnectionGate = {
  onConnection: ({ info }: GatedConnection) => {
    if (info.requestedServerName === '') return ADMIT;
    info.filterState ??= new Map();
    info.filterState.set(CLUSTER_STATE, info.requestedServerName);
    return ADMIT;
  },
};
