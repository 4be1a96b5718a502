// Which fields of load balancing policies that go by the request, by reports or by others are honoured.
import type { SupportTable } from '../../../model/extension.ts';

const POLICIES = 'envoy.extensions.load_balancing_policies';

/** By type name. */
export const LB_WRAPPER_FIELDS: Readonly<Record<string, SupportTable>> = {
  [`${POLICIES}.cluster_provided.v3.ClusterProvided`]: {},
  [`${POLICIES}.client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin`]: {
    enable_oob_load_report: { partly: 'false only: reports are read from responses' },
    oob_reporting_period: { accepted: 'only looked at with enable_oob_load_report' },
    blackout_period: 'honoured',
    weight_expiration_period: 'honoured',
    weight_update_period: 'honoured',
    error_utilization_penalty: 'honoured',
    metric_names_for_computing_utilization: 'honoured',
    slow_start_config: 'honoured',
  },
  [`${POLICIES}.wrr_locality.v3.WrrLocality`]: {
    endpoint_picking_policy: { partly: 'client_side_weighted_round_robin, as in Envoy' },
  },
  [`${POLICIES}.override_host.v3.OverrideHost`]: {
    override_host_sources: 'honoured',
    selected_host_key: 'honoured',
    fallback_policy: 'honoured',
  },
  [`${POLICIES}.override_host.v3.OverrideHost.OverrideHostSource`]: {
    header: 'honoured',
    metadata: 'honoured',
  },
};
