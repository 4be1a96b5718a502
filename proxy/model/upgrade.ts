// Upgrades and CONNECT as compiled from the connection manager's and the routes' upgrade_configs.
import type { ExtensionInstance } from './extension.ts';

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

/** HttpConnectionManager.UpgradeConfig, by type in lower case. */
export type ManagerUpgradesConfig = ReadonlyMap<string, ManagerUpgradeConfig>;

/** One entry. */
export interface ManagerUpgradeConfig extends UpgradeRuleConfig {
  /** Those that such requests pass in place of http_filters; empty: they pass these. */
  readonly filters: readonly ExtensionInstance[];
}

/** RouteAction.UpgradeConfig.ConnectConfig */
export interface ConnectTerminationConfig {
  /** POST is taken for CONNECT, too. */
  readonly allowPost: boolean;
}
