// What a source of endpoints says about all of them together, laid over the cluster's configuration.
import type { ClusterConfig, EndpointPolicy, PriorityRulesConfig } from '../model/cluster.ts';

/** The cluster under that policy. */
export function withPolicy(config: ClusterConfig, policy: EndpointPolicy): ClusterConfig {
  const { dropOverload: _written, ...rest } = config;
  const { dropOverload } = policy;
  return {
    ...rest,
    priorities: prioritiesUnder(config.priorities, policy),
    ...(dropOverload !== null && { dropOverload }),
  };
}

/** Some of the rules are read at use, from the runtime: they stay so. */
function prioritiesUnder(
  rules: PriorityRulesConfig,
  { overprovisioningPercent, isHealthWeighted }: EndpointPolicy,
): PriorityRulesConfig {
  const properties = Object.getOwnPropertyDescriptors(rules);
  return Object.freeze(
    Object.defineProperties({} as PriorityRulesConfig, {
      ...properties,
      overprovisioningPercent: { value: overprovisioningPercent, enumerable: true },
      isHealthWeighted: { value: isHealthWeighted, enumerable: true },
    }),
  );
}
