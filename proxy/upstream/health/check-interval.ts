// When a host is checked again.
import { type Random, randomBelow } from '../../base/random.ts';
import type { CheckIntervalsConfig } from '../../model/health-check.ts';
import type { Transition } from './checked-host.ts';

/** What a check came to, as far as it decides when the next one is due. */
export interface CheckOutcome {
  readonly hasPassed: boolean;
  readonly transition: Transition;
  /** The cluster had an upstream connection at some time. */
  readonly hadTraffic: boolean;
}

/** Ms from the end of a check to the next one; at least 1. */
export function nextCheckMs(
  config: CheckIntervalsConfig,
  outcome: CheckOutcome,
  random: Random,
): number {
  return withJitter(config, { baseMs: baseIntervalMs(config, outcome), ...config }, random);
}

/** Ms until a new host's first check; 0: at once. */
export function firstCheckMs(config: CheckIntervalsConfig, random: Random): number {
  const { initialJitterMs } = config;
  if (initialJitterMs === 0) return 0;
  return withJitter(config, { baseMs: 0, jitterMs: initialJitterMs }, random);
}

function baseIntervalMs(config: CheckIntervalsConfig, outcome: CheckOutcome): number {
  const isPending = outcome.transition === 'change-pending';
  if (!outcome.hadTraffic) {
    const isSteady = outcome.hasPassed && !isPending;
    return isSteady ? config.noTrafficHealthyMs : config.noTrafficMs;
  }
  if (outcome.hasPassed) return isPending ? config.healthyEdgeMs : config.intervalMs;
  return isPending ? config.unhealthyEdgeMs : config.unhealthyMs;
}

function withJitter(
  config: CheckIntervalsConfig,
  { baseMs, jitterMs }: { readonly baseMs: number; readonly jitterMs: number },
  random: Random,
): number {
  const shareMs = Math.floor((config.jitterPercent * baseMs) / 100);
  let delayMs = baseMs;
  if (shareMs > 0) delayMs += randomBelow(random, shareMs);
  if (jitterMs > 0) delayMs += randomBelow(random, jitterMs);
  return Math.max(1, Math.min(delayMs, config.maxMs), config.minMs);
}
