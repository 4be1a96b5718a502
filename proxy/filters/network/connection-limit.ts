// Bounds the connections of a filter chain; those beyond the limit are closed, after a delay if asked.

import {
  type ConnectionLimit,
  ConnectionLimitSchema,
} from '../../api/gen/envoy/extensions/filters/network/connection_limit/v3/connection_limit_pb.js';
import type { SharedCounter } from '../../base/cells/shared-counter.ts';
import { Timer, type TimerTarget } from '../../base/timer-wheel.ts';
import { durationMs } from '../../config/compile/field-values.ts';
import { compileRuntimeFlag } from '../../config/compile/runtime-values.ts';
import type { Live } from '../../model/runtime.ts';
import type { Counter, Gauge } from '../../stats/metrics.ts';
import {
  ADMIT,
  type ConnectionGate,
  type ConnectionGateDefinition,
  DENY,
  type GatedConnection,
  type GateStatus,
  HOLD,
  type ListenerFacts,
  type WorkerServices,
} from '../network-filter.ts';

/** extensions.filters.network.connection_limit.v3.ConnectionLimit */
interface ConnectionLimitConfig {
  readonly statPrefix: string;
  readonly maxConnections: number;
  /** How long who is refused is kept waiting; 0: closed at once. */
  readonly delayMs: number;
  /** runtime_enabled: false lets everybody in. */
  readonly enabled: Live<boolean>;
}

/** envoy.filters.network.connection_limit */
export const connectionLimitDefinition: ConnectionGateDefinition<
  ConnectionLimit,
  ConnectionLimitConfig
> = {
  name: 'envoy.filters.network.connection_limit',
  schema: ConnectionLimitSchema,
  isTerminal: false,
  support: {
    [ConnectionLimitSchema.typeName]: {
      stat_prefix: 'honoured',
      max_connections: 'honoured',
      delay: 'honoured',
      runtime_enabled: 'honoured',
    },
  },
  compile: (message, context) =>
    Object.freeze({
      statPrefix: message.statPrefix,
      maxConnections: Number(message.maxConnections ?? 0n),
      delayMs: durationMs(context, { path: 'delay', value: message.delay }, 0),
      enabled: compileRuntimeFlag(message.runtimeEnabled, context),
    }),
  gateFactory: (config, services, listener) => {
    const chain = new LimitedChain(config, services, listener);
    return { createGate: () => new ConnectionLimitGate(chain) };
  },
};

/** What the connections of a chain share. */
class LimitedChain {
  readonly config: ConnectionLimitConfig;
  readonly services: WorkerServices;
  readonly limited: Counter;
  readonly active: Gauge;
  /** Connections of all workers; of a listener's chains those with the same prefix count together. */
  readonly counter: SharedCounter;

  constructor(config: ConnectionLimitConfig, services: WorkerServices, listener: ListenerFacts) {
    const scope = services.stats.scope(`connection_limit.${config.statPrefix}`);
    this.config = config;
    this.services = services;
    this.limited = scope.counter('limited_connections');
    this.active = scope.gauge('active_connections');
    const key = `connection_limit/${listener.scope.prefix}${config.statPrefix}`;
    this.counter = services.cells.counter(key);
  }
}

class ConnectionLimitGate implements ConnectionGate, TimerTarget {
  readonly #chain: LimitedChain;
  #isCounted = false;
  /** Who waits for its end. */
  #refused: GatedConnection | null = null;
  #timer: Timer | null = null;

  constructor(chain: LimitedChain) {
    this.#chain = chain;
  }

  onConnection(gated: GatedConnection): GateStatus {
    const { config, services, limited, active, counter } = this.#chain;
    if (!config.enabled.value) return ADMIT;
    if (counter.tryAcquire(config.maxConnections)) {
      this.#isCounted = true;
      active.inc();
      return ADMIT;
    }
    limited.inc();
    if (config.delayMs === 0) return DENY;
    this.#refused = gated;
    this.#timer = new Timer(this);
    services.timers.arm(this.#timer, services.clock.nowMs(), config.delayMs);
    return HOLD;
  }

  onClose(): void {
    if (this.#isCounted) {
      this.#chain.active.dec();
      this.#chain.counter.release();
    }
    this.#isCounted = false;
    this.#refused = null;
    if (this.#timer !== null) this.#chain.services.timers.cancel(this.#timer);
  }

  onTimer(): void {
    this.#refused?.refuse();
  }
}
