// Cluster and endpoint configurations with Envoy's defaults, for tests.
import { DEFAULT_H2_PROTOCOL_OPTIONS } from '../../proxy/http/h2/options.ts';
import type {
  ClusterConfig,
  ClusterLimitsConfig,
  EndpointConfig,
} from '../../proxy/model/cluster.ts';
import { PLAIN_ENDPOINT_CHECK } from '../../proxy/model/health-check.ts';
import { DEFAULT_HTTP1_OPTIONS } from '../../proxy/model/http-connection-manager.ts';
import { ROUND_ROBIN } from './lb-configs.ts';

/** An endpoint at 127.0.0.1:8080 with some members replaced. */
export function endpointConfig(members: Partial<EndpointConfig> = {}): EndpointConfig {
  return {
    address: '127.0.0.1',
    port: 8080,
    hostname: '',
    weight: 1,
    priority: 0,
    endpointId: '',
    moreAddresses: [],
    healthStatus: 'healthy',
    isCanary: false,
    localityWeight: 0,
    locality: { region: '', zone: '', subZone: '' },
    metadata: {},
    check: PLAIN_ENDPOINT_CHECK,
    ...members,
  };
}

/** Circuit breakers of one priority with some members replaced. */
export function clusterLimits(members: Partial<ClusterLimitsConfig> = {}): ClusterLimitsConfig {
  return {
    maxConnections: 1024,
    maxPendingRequests: 1024,
    maxRequests: 1024,
    maxRetries: 3,
    retryBudget: null,
    maxConnectionPools: 2 ** 64,
    maxConnectionsPerHost: null,
    tracksRemaining: false,
    ...members,
  };
}

/** A STATIC round-robin cluster `c` with one endpoint, some members replaced. */
export function clusterConfig(members: Partial<ClusterConfig> = {}): ClusterConfig {
  return {
    name: 'c',
    observabilityName: members.name ?? 'c',
    discovery: 'static',
    originalDst: null,
    loadBalancer: ROUND_ROBIN,
    priorities: {
      overprovisioningPercent: 140,
      panicThresholdPercent: 50,
      ignoresUncheckedHosts: false,
      isHealthWeighted: false,
    },
    overrideHostHealth: ['healthy', 'degraded'],
    endpoints: [endpointConfig()],
    outlier: null,
    connectTimeoutMs: 5000,
    perConnectionBufferLimitBytes: 1048576,
    limits: clusterLimits(),
    highLimits: clusterLimits(),
    http: {
      protocol: 'http1',
      http2: DEFAULT_H2_PROTOCOL_OPTIONS,
      maxStreamDurationMs: 0,
      http1: DEFAULT_HTTP1_OPTIONS,
      idleTimeoutMs: 3600000,
      maxConnectionDurationMs: 0,
      maxRequestsPerConnection: 0,
      maxResponseHeaderBytes: 81920,
      maxHttp2ResponseHeaderBytes: 61440,
      maxHeadersCount: 100,
    },
    pools: {
      preconnectRatio: 1,
      predictiveRatio: 1,
      isPerDownstream: false,
      closesOnHostSetChange: false,
    },
    dns: {
      refreshMs: 5000,
      failureRefreshBaseMs: 5000,
      failureRefreshMaxMs: 5000,
      respectTtl: false,
      minTtlMs: 0,
      jitterMs: 0,
      family: 'auto',
      resolver: { kind: 'system' },
    },
    tcpKeepalive: null,
    happyEyeballs: { firstFamily: null, firstCount: 1 },
    metadata: {},
    sourceAddresses: [],
    socketOptions: [],
    healthCheck: null,
    closesOnHealthFailure: false,
    ignoresHealthOnRemoval: false,
    transport: { kind: 'raw' },
    transportMatches: [],
    ...members,
  };
}
