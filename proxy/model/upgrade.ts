// Upgrades and CONNECT as compiled from the connection manager's and the routes' upgrade_configs.

/**
 * HttpConnectionManager.UpgradeConfig and RouteAction.UpgradeConfig: which upgrades are allowed, by
 * type in lower case (`websocket`, `connect`).
 */
export type UpgradeRulesConfig = ReadonlyMap<string, UpgradeRuleConfig>;

/** One entry. */
export interface UpgradeRuleConfig {
  readonly isEnabled: boolean;
  /** RouteAction.UpgradeConfig.ConnectConfig: CONNECT ends here, in plain TCP; null: it is forwarded. */
  readonly connect: ConnectTerminationConfig | null;
}

/** RouteAction.UpgradeConfig.ConnectConfig */
export interface ConnectTerminationConfig {
  /** POST is taken for CONNECT, too. */
  readonly allowPost: boolean;
}
