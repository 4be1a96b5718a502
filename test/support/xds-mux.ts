// A mux over a real gRPC channel to a server of the test, with real time.

import { create } from '@bufbuild/protobuf';
import { NodeSchema } from '../../proxy/api/gen/envoy/config/core/v3/base_pb.js';
import type { LogLevel } from '../../proxy/base/log.ts';
import { EventLoop } from '../../proxy/net/event-loop.ts';
import { SYSTEM_CLOCK } from '../../proxy/server/system-clock.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import type { OpenSource } from '../../proxy/xds/discovery.ts';
import {
  DEFAULT_KEEPALIVE,
  GrpcServer,
  type GrpcServerConfig,
  MAX_RESPONSE_BYTES,
} from '../../proxy/xds/grpc-server.ts';
import { type MuxParts, openMux } from '../../proxy/xds/mux.ts';
import { AGGREGATED_METHODS } from '../../proxy/xds/resource-types.ts';
import { seededRandom } from './seeded-random.ts';

/** A server by its port on loopback. */
export function grpcServer(port: number, changes: Partial<GrpcServerConfig> = {}): GrpcServer {
  return new GrpcServer({
    name: 'xds_cluster',
    authority: 'xds_cluster',
    targets: () => [{ kind: 'tcp', host: '127.0.0.1', port }],
    tls: () => null,
    credentials: [],
    callStats: null,
    metadata: [],
    connectTimeoutMs: 10_000,
    maxResponseBytes: MAX_RESPONSE_BYTES,
    ...DEFAULT_KEEPALIVE,
    ...changes,
  });
}

/** What a test looks at. */
export interface MuxRig {
  readonly mux: OpenSource;
  readonly stats: StatsStore;
  readonly lines: string[];
  close(): void;
}

/** An aggregated mux unless `changes` say otherwise; waits little between attempts. */
export function muxRig(server: GrpcServer, changes: Partial<MuxParts> = {}): MuxRig {
  const loop = new EventLoop(SYSTEM_CLOCK);
  const stats = new StatsStore(null);
  const lines: string[] = [];
  const isIncremental = changes.isIncremental ?? false;
  const mux = openMux({
    servers: [server],
    method: AGGREGATED_METHODS[isIncremental ? 'incremental' : 'stateOfWorld'],
    backOff: { baseMs: 5, maxMs: 50 },
    clock: loop,
    timers: loop.timers,
    random: seededRandom(1),
    log: {
      enabled: () => true,
      log: (level: LogLevel, message: string) => lines.push(`${level} ${message}`),
    },
    isIncremental,
    node: create(NodeSchema, { id: 'node', cluster: 'test' }),
    saysNodeOnce: true,
    rate: null,
    stats,
    ...changes,
  });
  const close = () => {
    mux.close();
    for (const each of changes.servers ?? [server]) each.close();
  };
  return { mux, stats, lines, close };
}
