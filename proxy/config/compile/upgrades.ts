// upgrade_configs of the connection manager and of routes: which upgrades are let through.

import type { RouteAction_UpgradeConfig as RouteEntry } from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { HttpConnectionManager_UpgradeConfig as ManagerEntry } from '../../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type {
  ConnectTerminationConfig,
  ManagerUpgradeConfig,
  ManagerUpgradesConfig,
  UpgradeRuleConfig,
  UpgradeRulesConfig,
} from '../../model/upgrade.ts';
import { compileUpgradeFilters } from './http-filters.ts';

const CONNECT = 'connect';
const CONNECT_UDP = 'connect-udp';

/** HttpConnectionManager.upgrade_configs; `context` is the connection manager's. */
export function compileManagerUpgrades(
  entries: readonly ManagerEntry[],
  context: CompileContext,
): ManagerUpgradesConfig {
  const rules = new Map<string, ManagerUpgradeConfig>();
  entries.forEach(({ upgradeType, enabled = true, filters }, index) => {
    const at = context.at(`upgrade_configs[${index}]`);
    const type = upgradeType.toLowerCase();
    if (rules.has(type)) {
      const reason = `Error: multiple upgrade configs with the same name: '${upgradeType}'`;
      at.reject('upgrade_type', reason);
    }
    if (type === '') at.warn('upgrade_type', 'no request asks for an upgrade without a name');
    if (enabled) refuseConnectUdp(type, at);
    const ownFilters = compileUpgradeFilters(filters, at);
    rules.set(type, { isEnabled: enabled, connect: null, filters: ownFilters });
  });
  return rules;
}

/** RouteAction.upgrade_configs; `context` is the action's. */
export function compileRouteUpgrades(
  entries: readonly RouteEntry[],
  context: CompileContext,
): UpgradeRulesConfig {
  const rules = new Map<string, UpgradeRuleConfig>();
  entries.forEach((entry, index) => {
    const at = context.at(`upgrade_configs[${index}]`);
    const { upgradeType, enabled = true } = entry;
    const type = upgradeType.toLowerCase();
    if (rules.has(type)) at.reject('upgrade_type', `Duplicate upgrade ${upgradeType}`);
    if (enabled) refuseConnectUdp(type, at);
    rules.set(type, { isEnabled: enabled, connect: compileTermination(entry, at) });
  });
  return rules;
}

function compileTermination(
  { upgradeType, connectConfig: config }: RouteEntry,
  context: CompileContext,
): ConnectTerminationConfig | null {
  if (config === undefined) return null;
  const type = upgradeType.toLowerCase();
  if (type !== CONNECT && type !== CONNECT_UDP) {
    context.reject('connect_config', `Non-CONNECT upgrade type ${upgradeType} has ConnectConfig`);
  }
  return { allowPost: config.allowPost };
}

function refuseConnectUdp(type: string, context: CompileContext): void {
  if (type !== CONNECT_UDP) return;
  const reason = 'CONNECT-UDP is not supported: it carries datagrams, and only TCP is forwarded';
  context.reject('upgrade_type', reason);
}
