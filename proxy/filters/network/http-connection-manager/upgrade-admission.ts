// Whether a request may have the tunnel that it asks for: the route's upgrade_configs, and the
// connection manager's where the route says nothing.
import { parseContentLength } from '../../../http/content-length.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import type { RequestHead } from '../../../http/message.ts';
import type { RouteConfig } from '../../../model/route.ts';
import type { ManagerUpgradesConfig, UpgradeRulesConfig } from '../../../model/upgrade.ts';

/** What `upgrade_configs` calls the tunnel that a request asks for; '' : it asks for none. */
function tunnelType(head: RequestHead): string {
  if (!head.asksForTunnel) return '';
  return head.upgrade === '' ? 'connect' : head.upgrade;
}

/**
 * The upgrade whose own filters a request passes; '' : it passes those of other requests, as in Envoy
 * also if it asks in vain.
 */
export function upgradeChainOf(
  manager: ManagerUpgradesConfig,
  route: RouteConfig | null,
  head: RequestHead,
): string {
  const type = tunnelType(head);
  const own = manager.get(type)?.filters ?? [];
  return own.length > 0 && allowsTunnel(manager, route, head) ? type : '';
}

/** Entry by entry, as Envoy: what the route says of a type, else what the connection manager does. */
export function allowsTunnel(
  manager: UpgradeRulesConfig,
  route: RouteConfig | null,
  head: RequestHead,
): boolean {
  const type = tunnelType(head);
  const action = route?.action ?? null;
  const ofRoute = action?.kind === 'forward' ? action.upgrades.get(type) : undefined;
  return (ofRoute ?? manager.get(type))?.isEnabled === true;
}

/**
 * True for an upgrade that comes with content of its own. RFC 9110 §7.8 lets nobody switch before
 * all of it is there, and no two servers agree on where it would end.
 */
export function hasContent({ upgrade, headers }: RequestHead): boolean {
  if (upgrade === '') return false;
  if (headers.mayHave(HEADER_ID['transfer-encoding'])) return true;
  const length = headers.get(HEADER_ID['content-length']);
  return length !== null && parseContentLength(length) !== 0;
}
