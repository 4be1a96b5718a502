// What a host weighs when its turn is worked out: its own weight, less while it starts slowly.
import type { SlowStartConfig } from '../../model/load-balancing.ts';
import type { Host } from '../host.ts';
import { healthOf } from '../host-health.ts';

/** The weight of a host now; above 0. */
export type HostWeight = (host: Host) => number;

/** Monotonic ms of the worker. */
export type NowMs = () => number;

/** Without slow start a host weighs what its endpoint says. */
export function hostWeight(slowStart: SlowStartConfig | null, nowMs: NowMs): HostWeight {
  if (slowStart === null) return plainWeight;
  return (host) => host.weight * slowStartFactor(host, slowStart, nowMs());
}

/** One of the hosts has its full weight yet to come. */
export function anyStartsSlowly(
  hosts: readonly Host[],
  slowStart: SlowStartConfig | null,
  nowMs: NowMs,
): boolean {
  if (slowStart === null) return false;
  return hosts.some((host) => slowStartFactor(host, slowStart, nowMs()) < 1);
}

function plainWeight(host: Host): number {
  return host.weight;
}

/** Envoy common.v3.SlowStartConfig: grows with the time for which the host has been healthy. */
function slowStartFactor(host: Host, config: SlowStartConfig, nowMs: number): number {
  const healthyMs = nowMs - host.healthySinceMs;
  if (healthyMs >= config.windowMs || healthOf(host.healthFlags) !== 'healthy') return 1;
  const share = Math.max(1, healthyMs) / config.windowMs;
  const grown = config.aggression === 1 ? share : share ** (1 / (config.aggression || 1));
  return Math.max(grown, config.minWeightPercent / 100);
}
