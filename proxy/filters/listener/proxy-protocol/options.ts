// What a proxy_protocol filter is configured with.

/** The filter's name, and the namespace of its metadata where a rule names none. */
export const PROXY_PROTOCOL_FILTER = 'envoy.filters.listener.proxy_protocol';

/** proxy_protocol.v3.ProxyProtocol */
export interface ProxyProtocolOptions {
  readonly rules: readonly TlvRule[];
  /** allow_requests_without_proxy_protocol */
  readonly isHeaderOptional: boolean;
  readonly allowsV1: boolean;
  readonly allowsV2: boolean;
  /** '' for none. */
  readonly statPrefix: string;
}

/** Copies the value of a TLV into the metadata. */
export interface TlvRule {
  readonly tlvType: number;
  readonly namespace: string;
  readonly key: string;
  /** False: UTF-8 text, with `!` for each octet that is none. */
  readonly isBase64: boolean;
}
