// Takes the PROXY header of a load balancer off a connection: who the client is, and where it was
// going. Source: the PROXY protocol specification, versions 1 and 2.
import { ProxyProtocolConfig_Version as Version } from '../../api/gen/envoy/config/core/v3/proxy_protocol_pb.js';
import {
  ProxyProtocol_KeyValuePair_ValueStringEncoding as Encoding,
  type ProxyProtocol,
  ProxyProtocol_KeyValuePairSchema,
  ProxyProtocol_RuleSchema,
  ProxyProtocol_TlvLocation,
  ProxyProtocolSchema,
} from '../../api/gen/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.js';
import { enumMember } from '../../config/compile/field-values.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { ListenerFilterDefinition } from '../listener-filter.ts';
import {
  PROXY_PROTOCOL_FILTER,
  type ProxyProtocolOptions,
  type TlvRule,
} from './proxy-protocol/options.ts';
import { ProxyProtocolFilter } from './proxy-protocol/proxy-protocol-filter.ts';
import { ProxyProtocolStats } from './proxy-protocol/proxy-protocol-stats.ts';

const ALL_DISALLOWED =
  'Proxy Protocol filter is misconfigured: all proxy protocol versions are disallowed.';
const NOT_SENT_ON = { accepted: 'no upstream connection begins with a PROXY header' } as const;

/** envoy.filters.listener.proxy_protocol */
export const proxyProtocolDefinition: ListenerFilterDefinition<
  ProxyProtocol,
  ProxyProtocolOptions
> = {
  name: PROXY_PROTOCOL_FILTER,
  schema: ProxyProtocolSchema,
  support: {
    [ProxyProtocolSchema.typeName]: {
      rules: 'honoured',
      allow_requests_without_proxy_protocol: 'honoured',
      pass_through_tlvs: NOT_SENT_ON,
      disallowed_versions: 'honoured',
      stat_prefix: 'honoured',
      tlv_location: { partly: 'DYNAMIC_METADATA only' },
    },
    [ProxyProtocol_RuleSchema.typeName]: { tlv_type: 'honoured', on_tlv_present: 'honoured' },
    [ProxyProtocol_KeyValuePairSchema.typeName]: {
      metadata_namespace: 'honoured',
      key: 'honoured',
      value_string_encoding: 'honoured',
    },
  },
  compile: compileOptions,
  factory: (options, services) => {
    const scope = services.stats.scope(`proxy_proto${dotted(options.statPrefix)}`);
    const stats = new ProxyProtocolStats(scope, services.stats);
    return { create: () => new ProxyProtocolFilter(options, stats) };
  },
};

function compileOptions(
  message: ProxyProtocol,
  context: CompileContext,
): ProxyProtocolOptions | null {
  enumMember(context, 'tlv_location', {
    value: message.tlvLocation,
    names: ProxyProtocol_TlvLocation,
    table: { [ProxyProtocol_TlvLocation.DYNAMIC_METADATA]: true },
  });
  const allowsV1 = !message.disallowedVersions.includes(Version.V1);
  const allowsV2 = !message.disallowedVersions.includes(Version.V2);
  if (!allowsV1 && !allowsV2) context.reject('disallowed_versions', ALL_DISALLOWED);
  const rules = message.rules.flatMap(({ tlvType, onTlvPresent }): TlvRule[] => {
    if (onTlvPresent === undefined) return [];
    const { metadataNamespace, key, valueStringEncoding } = onTlvPresent;
    const namespace = metadataNamespace === '' ? PROXY_PROTOCOL_FILTER : metadataNamespace;
    return [{ tlvType, namespace, key, isBase64: valueStringEncoding === Encoding.BASE64 }];
  });
  return Object.freeze({
    rules: Object.freeze(rules),
    isHeaderOptional: message.allowRequestsWithoutProxyProtocol,
    allowsV1,
    allowsV2,
    statPrefix: message.statPrefix,
  });
}

function dotted(statPrefix: string): string {
  return statPrefix === '' ? '' : `.${statPrefix}`;
}
