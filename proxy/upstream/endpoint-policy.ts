// What a source of endpoints says about all of them together, laid over the cluster's configuration.
import type { ClusterConfig, EndpointPolicy, PriorityRulesConfig } from '../model/cluster.ts';

/** The cluster under that policy. */
export function withPolicy(config: ClusterConfig, policy: EndpointPolicy): ClusterConfig {
  if (saysNothingNew(config, policy)) return config;
  const { name, dropOverload: _written, ...rest } = config;
  const { dropOverload } = policy;
  // Of many: a literal that begins with a spread would give each of them a hidden class of its own.
  return {
    name,
    ...rest,
    priorities: prioritiesUnder(config.priorities, policy),
    ...(dropOverload !== null && { dropOverload }),
  };
}

/** Most endpoints are told without a policy. */
function saysNothingNew({ dropOverload, priorities }: ClusterConfig, policy: EndpointPolicy) {
  const { overprovisioningPercent, isHealthWeighted } = policy;
  return (
    policy.dropOverload === null &&
    dropOverload === undefined &&
    priorities.overprovisioningPercent === overprovisioningPercent &&
    priorities.isHealthWeighted === isHealthWeighted
  );
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
