// Every extension there is. A new one is a file of its own and a line here.
import {
  FILE_ACCESS_LOGGER,
  STDERR_ACCESS_LOGGER,
  STDOUT_ACCESS_LOGGER,
} from '../config/compile/access-loggers.ts';
import { TRANSPORT_SOCKETS } from '../config/compile/transport-sockets.ts';
import type {
  ExtensionDefinition,
  ExtensionRegistry,
  FilterDefinition,
} from '../model/extension.ts';
import { adaptiveConcurrencyDefinition } from './http/adaptive-concurrency.ts';
import { admissionControlDefinition } from './http/admission-control.ts';
import { bandwidthLimitDefinition } from './http/bandwidth-limit.ts';
import { bufferDefinition } from './http/buffer.ts';
import { compressorDefinition } from './http/compressor.ts';
import { corsDefinition } from './http/cors.ts';
import { csrfDefinition } from './http/csrf.ts';
import { decompressorDefinition } from './http/decompressor.ts';
import { dynamicForwardProxyDefinition } from './http/dynamic-forward-proxy.ts';
import { faultDefinition } from './http/fault.ts';
import { grpcStatsDefinition } from './http/grpc-stats.ts';
import { grpcWebDefinition } from './http/grpc-web.ts';
import { headerMutationDefinition } from './http/header-mutation.ts';
import { headerToMetadataDefinition } from './http/header-to-metadata.ts';
import { healthCheckDefinition } from './http/health-check.ts';
import { alpnDefinition, istioAlpnDefinition } from './http/istio-alpn.ts';
import { localRateLimitDefinition } from './http/local-ratelimit.ts';
import { rbacDefinition } from './http/rbac.ts';
import { routerDefinition } from './http/router.ts';
import { setRequestStateDefinition } from './http/set-filter-state.ts';
import { setMetadataDefinition } from './http/set-metadata.ts';
import { statefulSessionDefinition } from './http/stateful-session.ts';
import { httpInspectorDefinition } from './listener/http-inspector.ts';
import { originalDstDefinition } from './listener/original-dst.ts';
import { originalSrcDefinition } from './listener/original-src.ts';
import { proxyProtocolDefinition } from './listener/proxy-protocol.ts';
import { tlsInspectorDefinition } from './listener/tls-inspector.ts';
import { connectionLimitDefinition } from './network/connection-limit.ts';
import { directResponseDefinition } from './network/direct-response.ts';
import { echoDefinition } from './network/echo.ts';
import { httpConnectionManagerDefinition } from './network/http-connection-manager.ts';
import { networkLocalRateLimitDefinition } from './network/local-ratelimit.ts';
import { networkRbacDefinition } from './network/rbac.ts';
import { setFilterStateDefinition } from './network/set-filter-state.ts';
import { sniClusterDefinition } from './network/sni-cluster.ts';
import { sniDynamicForwardProxyDefinition } from './network/sni-dynamic-forward-proxy.ts';
import { tcpProxyDefinition } from './network/tcp-proxy.ts';
import { passedThroughFilters } from './passed-through.ts';

/** What a configuration may name. Whoever looks an extension up knows its message by its schema. */
export const EXTENSIONS: ExtensionRegistry = {
  networkFilters: [
    filter(connectionLimitDefinition),
    filter(directResponseDefinition),
    filter(echoDefinition),
    filter(httpConnectionManagerDefinition),
    filter(networkLocalRateLimitDefinition),
    filter(networkRbacDefinition),
    filter(setFilterStateDefinition),
    filter(sniClusterDefinition),
    filter(sniDynamicForwardProxyDefinition),
    filter(tcpProxyDefinition),
    ...passedThroughFilters('envoy.filters.network'),
  ],
  httpFilters: [
    filter(adaptiveConcurrencyDefinition),
    filter(admissionControlDefinition),
    filter(bufferDefinition),
    filter(corsDefinition),
    filter(csrfDefinition),
    filter(bandwidthLimitDefinition),
    filter(compressorDefinition),
    filter(decompressorDefinition),
    filter(dynamicForwardProxyDefinition),
    filter(faultDefinition),
    filter(grpcStatsDefinition),
    filter(grpcWebDefinition),
    filter(headerMutationDefinition),
    filter(headerToMetadataDefinition),
    filter(healthCheckDefinition),
    filter(istioAlpnDefinition),
    filter(alpnDefinition),
    filter(localRateLimitDefinition),
    filter(rbacDefinition),
    filter(setRequestStateDefinition),
    filter(setMetadataDefinition),
    filter(statefulSessionDefinition),
    filter(routerDefinition),
    ...passedThroughFilters('envoy.filters.http'),
  ],
  listenerFilters: [
    extension(httpInspectorDefinition),
    extension(originalDstDefinition),
    extension(originalSrcDefinition),
    extension(proxyProtocolDefinition),
    extension(tlsInspectorDefinition),
  ],
  accessLoggers: [
    extension(FILE_ACCESS_LOGGER),
    extension(STDOUT_ACCESS_LOGGER),
    extension(STDERR_ACCESS_LOGGER),
  ],
  transportSockets: TRANSPORT_SOCKETS,
};

/** Forgets the types of message and configuration: the look-up by schema vouches for them. */
function filter(definition: unknown): FilterDefinition {
  return definition as FilterDefinition;
}

function extension(definition: unknown): ExtensionDefinition {
  return definition as ExtensionDefinition;
}
