// config.route.v3.RouteConfiguration.
import type { RouteConfiguration } from '../../api/gen/envoy/config/route/v3/route_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type { RouteTableConfig, VirtualHostConfig } from '../../model/route.ts';
import { deepFreeze } from './freeze.ts';
import { compileHeaderMutations } from './header-mutations.ts';
import { compileMetadata } from './metadata.ts';
import { compileMirrors } from './mirror-policy.ts';
import { compilePerFilterConfig } from './per-filter-config.ts';
import {
  DEFAULT_MAX_DIRECT_RESPONSE_BODY_BYTES,
  type RouteTableRules,
} from './route-table-rules.ts';
import { compileVhds, refuseVhds } from './vhds.ts';
import { compileVirtualHost } from './virtual-host.ts';

/** Where a route table comes from: one in a file must name known clusters, one from RDS need not. */
export type RouteTableOrigin = 'static' | 'discovered';

/** A compiled, frozen route table; null when anything in it was refused. */
export function compileRouteTable(
  message: RouteConfiguration,
  context: CompileContext,
  origin: RouteTableOrigin = 'static',
): RouteTableConfig | null {
  const steps = compileRouteTableInSteps(message, context, origin);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * The same in steps of a few dozen routes, for who must not block a loop that serves: after each
 * step it may do something else, and the table is the generator's last value.
 */
export function* compileRouteTableInSteps(
  message: RouteConfiguration,
  context: CompileContext,
  origin: RouteTableOrigin,
): Generator<void, RouteTableConfig | null, void> {
  const rules: RouteTableRules = {
    name: message.name,
    // Envoy route.v3.RouteConfiguration.validate_clusters: on for static tables, off for RDS.
    clusterNames:
      (message.validateClusters ?? origin === 'static') ? context.environment.clusterNames : null,
    maxDirectResponseBodyBytes:
      message.maxDirectResponseBodySizeBytes ?? DEFAULT_MAX_DIRECT_RESPONSE_BODY_BYTES,
  };
  const virtualHosts: VirtualHostConfig[] = [];
  for (const [index, host] of message.virtualHosts.entries()) {
    const at = context.at(`virtual_hosts[${index}]`);
    virtualHosts.push(deepFreeze(yield* compileVirtualHost(host, rules, at)));
    yield;
  }
  checkDomains(message, context);
  const mutations = compileHeaderMutations(message, context);
  const perFilterConfig = compilePerFilterConfig(message, context);
  const mirrors = compileMirrors(message.requestMirrorPolicies, context);
  if (origin === 'static') refuseVhds(message, context);
  const vhds = origin === 'static' ? null : compileVhds(message, context);
  if (context.failed) return null;
  return deepFreeze({
    name: message.name,
    virtualHosts,
    ignorePortInHostMatching: message.ignorePortInHostMatching,
    internalOnlyHeaders: message.internalOnlyHeaders.map((name) => name.toLowerCase()),
    mutations,
    mostSpecificHeaderMutationsWins: message.mostSpecificHeaderMutationsWins,
    vhostHeader: message.vhostHeader.toLowerCase(),
    ignorePathParameters: message.ignorePathParametersInPathMatching,
    perFilterConfig,
    mirrors,
    metadata: compileMetadata(message.metadata),
    ...(vhds === null ? {} : { vhds }),
  });
}

function checkDomains(message: RouteConfiguration, context: CompileContext): void {
  const seen = new Set<string>();
  message.virtualHosts.forEach((host, hostIndex) => {
    host.domains.forEach((written, index) => {
      const domain = written.toLowerCase();
      if (seen.has(domain)) {
        context.reject(
          `virtual_hosts[${hostIndex}].domains[${index}]`,
          repeated(domain, message.name),
        );
      }
      seen.add(domain);
    });
  });
}

function repeated(domain: string, table: string): string {
  if (domain === '*') return `Only a single wildcard domain is permitted in route ${table}`;
  const rule = 'Only unique values for domains are permitted.';
  return `${rule} Duplicate entry of domain ${domain} in route ${table}`;
}
