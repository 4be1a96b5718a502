// The transport sockets that there are, for the registry of extensions.
import {
  ProxyProtocolPassThroughTLVs_PassTLVsMatchType as PassTlvs,
  type ProxyProtocolConfig,
  ProxyProtocolConfig_Version as Version,
} from '../../api/gen/envoy/config/core/v3/proxy_protocol_pb.js';
import {
  type Http11ProxyUpstreamTransport,
  Http11ProxyUpstreamTransportSchema,
} from '../../api/gen/envoy/extensions/transport_sockets/http_11_proxy/v3/upstream_http_11_connect_pb.js';
import {
  type InternalUpstreamTransport,
  InternalUpstreamTransportSchema,
} from '../../api/gen/envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream_pb.js';
import {
  type ProxyProtocolUpstreamTransport,
  ProxyProtocolUpstreamTransportSchema,
} from '../../api/gen/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.js';
import { RawBufferSchema } from '../../api/gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.js';
import {
  type StartTlsConfig,
  StartTlsConfigSchema,
  type UpstreamStartTlsConfig,
  UpstreamStartTlsConfigSchema,
} from '../../api/gen/envoy/extensions/transport_sockets/starttls/v3/starttls_pb.js';
import {
  type DownstreamTlsContext,
  DownstreamTlsContextSchema,
  type UpstreamTlsContext,
  UpstreamTlsContextSchema,
} from '../../api/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
import type { CompileContext, TransportSocketDefinition } from '../../model/extension.ts';
import {
  type DownstreamTransportConfig,
  RAW_TRANSPORT,
  type UpstreamTransportConfig,
} from '../../model/transport-socket.ts';
import { deepFreeze } from './freeze.ts';
import {
  DOWNSTREAM_TLS_FIELDS,
  HTTP_11_PROXY_FIELDS,
  PROXY_PROTOCOL_FIELDS,
  STARTTLS_FIELDS,
  UPSTREAM_STARTTLS_FIELDS,
  UPSTREAM_TLS_FIELDS,
} from './support/transport-fields.ts';
import { compileDownstreamTls, compileUpstreamTls } from './tls/tls-contexts.ts';
import { compileUpstreamTransport } from './transport-socket.ts';

/** envoy.transport_sockets.raw_buffer: what a chain or cluster without transport_socket uses. */
const RAW_BUFFER: TransportSocketDefinition = {
  name: 'envoy.transport_sockets.raw_buffer',
  side: 'both',
  schema: RawBufferSchema,
  support: { [RawBufferSchema.typeName]: {} },
  compile: () => RAW_TRANSPORT,
};

const DOWNSTREAM_TLS: TransportSocketDefinition<DownstreamTlsContext> = {
  name: 'envoy.transport_sockets.tls',
  side: 'downstream',
  schema: DownstreamTlsContextSchema,
  support: DOWNSTREAM_TLS_FIELDS,
  compile: (message, context): DownstreamTransportConfig | null => {
    const tls = compileDownstreamTls(message, context);
    return tls === null ? null : deepFreeze({ kind: 'tls', tls });
  },
};

const UPSTREAM_TLS: TransportSocketDefinition<UpstreamTlsContext> = {
  name: 'envoy.transport_sockets.tls',
  side: 'upstream',
  schema: UpstreamTlsContextSchema,
  support: UPSTREAM_TLS_FIELDS,
  compile: (message, context): UpstreamTransportConfig | null => {
    const tls = compileUpstreamTls(message, context);
    return tls === null ? null : deepFreeze({ kind: 'tls', tls });
  },
};

const DOWNSTREAM_STARTTLS: TransportSocketDefinition<StartTlsConfig> = {
  name: 'envoy.transport_sockets.starttls',
  side: 'downstream',
  schema: StartTlsConfigSchema,
  support: STARTTLS_FIELDS,
  compile: ({ tlsSocketConfig }, context): DownstreamTransportConfig | null => {
    if (tlsSocketConfig === undefined) return null;
    const tls = compileDownstreamTls(tlsSocketConfig, context.at('tls_socket_config'));
    return tls === null ? null : deepFreeze({ kind: 'starttls', tls });
  },
};

const UPSTREAM_STARTTLS: TransportSocketDefinition<UpstreamStartTlsConfig> = {
  name: 'envoy.transport_sockets.starttls',
  side: 'upstream',
  schema: UpstreamStartTlsConfigSchema,
  support: UPSTREAM_STARTTLS_FIELDS,
  compile: ({ tlsSocketConfig }, context): UpstreamTransportConfig | null => {
    if (tlsSocketConfig === undefined) return null;
    const tls = compileUpstreamTls(tlsSocketConfig, context.at('tls_socket_config'));
    return tls === null ? null : deepFreeze({ kind: 'starttls', tls });
  },
};

/**
 * envoy.transport_sockets.internal_upstream: what it adds to another transport is metadata for the
 * internal listener, which is refused; so it is what it holds.
 */
const INTERNAL_UPSTREAM: TransportSocketDefinition<InternalUpstreamTransport> = {
  name: 'envoy.transport_sockets.internal_upstream',
  side: 'upstream',
  schema: InternalUpstreamTransportSchema,
  support: {
    [InternalUpstreamTransportSchema.typeName]: {
      passthrough_metadata: { refused: 'metadata does not reach internal listeners yet' },
      transport_socket: 'honoured',
    },
  },
  compile: ({ transportSocket }, context) => compileUpstreamTransport(transportSocket, context),
};

const PROXY_PROTOCOL: TransportSocketDefinition<ProxyProtocolUpstreamTransport> = {
  name: 'envoy.transport_sockets.upstream_proxy_protocol',
  side: 'upstream',
  schema: ProxyProtocolUpstreamTransportSchema,
  support: PROXY_PROTOCOL_FIELDS,
  compile: ({ config, transportSocket }, context): UpstreamTransportConfig | null => {
    const inner = compileUpstreamTransport(transportSocket, context);
    const header = compileProxyHeader(config, context.at('config'));
    return inner === null ? null : deepFreeze({ kind: 'proxy-protocol', ...header, inner });
  },
};

type ProxyHeader = Pick<
  Extract<UpstreamTransportConfig, { readonly kind: 'proxy-protocol' }>,
  'version' | 'passThroughTlvs' | 'addedTlvs'
>;

/** The header's length has 16 bits; addresses of IPv6 and ports take 36 octets of it. */
const MAX_TLV_BYTES = 65_535 - 36;
const TLV_HEAD_BYTES = 3;

function compileProxyHeader(
  config: ProxyProtocolConfig | undefined,
  context: CompileContext,
): ProxyHeader {
  const version = config?.version === Version.V2 ? 2 : 1;
  const passed = config?.passThroughTlvs;
  const addedTlvs = (config?.addedTlvs ?? []).map(({ type, value }) => ({
    ...{ type, value: Buffer.from(value) },
  }));
  if (version === 1 && (passed !== undefined || addedTlvs.length > 0)) {
    const path = passed === undefined ? 'added_tlvs' : 'pass_through_tlvs';
    context.warn(path, 'has no effect: only version V2 has room for TLVs');
  }
  const most = MAX_TLV_BYTES;
  const size = addedTlvs.reduce((sum, { value }) => sum + TLV_HEAD_BYTES + value.length, 0);
  if (size > most) context.reject('added_tlvs', `${size} octets do not fit: at most ${most}`);
  // Without the field none is passed on.
  const types = passed?.matchType === PassTlvs.INCLUDE_ALL ? null : (passed?.tlvType ?? []);
  return { version, passThroughTlvs: types, addedTlvs };
}

const HTTP_11_PROXY: TransportSocketDefinition<Http11ProxyUpstreamTransport> = {
  name: 'envoy.transport_sockets.http_11_proxy',
  side: 'upstream',
  schema: Http11ProxyUpstreamTransportSchema,
  support: HTTP_11_PROXY_FIELDS,
  compile: ({ transportSocket }, context): UpstreamTransportConfig | null => {
    const inner = compileUpstreamTransport(transportSocket, context);
    return inner === null ? null : deepFreeze({ kind: 'http-11-proxy', inner });
  },
};

/** Those that connections are carried by, for both sides. */
export const TRANSPORT_SOCKETS: readonly TransportSocketDefinition[] = [
  RAW_BUFFER,
  DOWNSTREAM_TLS,
  UPSTREAM_TLS,
  INTERNAL_UPSTREAM,
  PROXY_PROTOCOL,
] as readonly TransportSocketDefinition[];

/** Those that can be compiled only: REFUSED_TYPES says so of each, until it stands above. */
export const UNSERVED_TRANSPORT_SOCKETS: readonly TransportSocketDefinition[] = [
  DOWNSTREAM_STARTTLS,
  UPSTREAM_STARTTLS,
  HTTP_11_PROXY,
] as readonly TransportSocketDefinition[];
