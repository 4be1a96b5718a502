// What the connection manager does to every request before its route is chosen: refuses what has no
// usable target, normalises the path, decides who the client is and which fields it may set.

import { isLoopbackIp } from '../../../base/ip-address.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID, headerMask } from '../../../http/header-names.ts';
import type { RequestHead } from '../../../http/message.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';
import { keepOnlyUpgrade } from '../../../http/tunnel.ts';
import type { HttpConnectionManagerConfig } from '../../../model/http-connection-manager.ts';
import type { WorkerServices } from '../../network-filter.ts';
import { addressFromHeader, forwardedAddress, InternalNetworks } from './client-address.ts';
import { ClientCertForwarder } from './client-cert-forwarder.ts';
import { isCleanReferer } from './referer.ts';

const HOP_BY_HOP = headerMask(
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'te',
  'x-envoy-internal',
);
/** An upgrade is for the next hop, too. */
const HOP_BY_HOP_OF_UPGRADE = headerMask(
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'http2-settings',
  'te',
  'x-envoy-internal',
);
const CONNECTION_LISTED = headerMask('connection', 'te');
/** Only an internal client may steer retries and timeouts. */
const INTERNAL_ONLY = headerMask(
  'x-envoy-retriable-status-codes',
  'x-envoy-retriable-header-names',
  'x-envoy-retry-on',
  'x-envoy-retry-grpc-on',
  'x-envoy-max-retries',
  'x-envoy-upstream-alt-stat-name',
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-alt-response',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-force-trace',
  'x-envoy-ip-tags',
  'x-envoy-original-url',
  'x-envoy-hedge-on-per-try-timeout',
);
const NOT_FROM_EDGE = headerMask(
  'x-envoy-decorator-operation',
  'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node',
  'x-envoy-original-path',
  'x-envoy-original-host',
);
const NOT_NOMINATED = new Set(['close', 'keep-alive', 'upgrade', 'http2-settings', '']);
const PROTECTED = new Set(['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto']);
/** Envoy refuses a Connection field that names this many others. */
const MAX_NOMINATED = 10;
const MAX_TE_BYTES = 256;

/** One per connection manager. */
export class RequestConditioner {
  readonly #config: HttpConnectionManagerConfig;
  readonly #services: WorkerServices;
  readonly #internal: InternalNetworks;
  #internalOnlyNames: readonly string[];
  readonly #clientCert: ClientCertForwarder;

  constructor(config: HttpConnectionManagerConfig, services: WorkerServices) {
    this.#config = config;
    this.#services = services;
    this.#internal = new InternalNetworks(config.internalCidrs);
    this.#internalOnlyNames = config.routeTable.internalOnlyHeaders;
    this.#clientCert = new ClientCertForwarder(config.clientCert);
  }

  /** Another route table is in use. */
  setInternalOnly(names: readonly string[]): void {
    this.#internalOnlyNames = names;
  }

  /** Does its work in place. False: the Connection field is one that Envoy refuses (400). */
  condition(head: RequestHead, info: StreamInfo): boolean {
    const headers = head.headers;
    if (headers.mayHaveAny(CONNECTION_LISTED)) {
      if (!applyConnectionOptions(head)) return false;
    } else {
      headers.removeAny(HOP_BY_HOP);
    }
    if (headers.mayHave(HEADER_ID.referer)) checkReferer(headers);
    const singleForwarded = isSingleForwarded(headers, this.#config.useRemoteAddress);
    this.#decideClient(head, info);
    this.#decideScheme(head, info);
    const isInternal = singleForwarded && this.#internal.has(info.remoteAddress);
    if (isInternal) headers.setKnown(HEADER_ID['x-envoy-internal'], 'true');
    else this.#clean(headers, info);
    this.#addIdentity(headers);
    this.#addRequestId(headers, isInternal);
    this.#clientCert.apply(head, info);
    return true;
  }

  #decideClient(head: RequestHead, info: StreamInfo): void {
    const headers = head.headers;
    const { useRemoteAddress, xffNumTrustedHops, appendXForwardedPort } = this.#config;
    const id = HEADER_ID['x-forwarded-for'];
    const forwardedFor = headers.mayHave(id) ? headers.get(id) : null;
    // With use_remote_address the peer is the last hop, so one address fewer stands in the field.
    const index = useRemoteAddress ? xffNumTrustedHops - 1 : xffNumTrustedHops;
    const ip = index < 0 ? null : forwardedAddress(forwardedFor, index);
    if (ip !== null) info.remoteAddress = addressFromHeader(ip);
    if (useRemoteAddress) this.#appendPeer(headers, info, forwardedFor);
    if (appendXForwardedPort) this.#addForwardedPort(headers, info);
  }

  #appendPeer(headers: HeaderList, info: StreamInfo, forwardedFor: string | null): void {
    const peer = info.downstream.directRemoteAddress;
    if (this.#config.skipXffAppend || peer.port < 0) return;
    const ip = isLoopbackIp(peer.ip) ? this.#services.localIp : peer.ip;
    const value = forwardedFor === null || forwardedFor === '' ? ip : `${forwardedFor},${ip}`;
    headers.setKnown(HEADER_ID['x-forwarded-for'], value);
  }

  #addForwardedPort(headers: HeaderList, info: StreamInfo): void {
    const id = HEADER_ID['x-forwarded-port'];
    const atEdge = this.#config.useRemoteAddress && this.#config.xffNumTrustedHops === 0;
    if (headers.mayHave(id) && !atEdge) return;
    headers.setKnown(id, String(info.downstream.localAddress.port));
  }

  #decideScheme(head: RequestHead, info: StreamInfo): void {
    const config = this.#config;
    const headers = head.headers;
    const id = HEADER_ID['x-forwarded-proto'];
    const own = info.downstream.tls !== null ? 'https' : 'http';
    const given = headers.mayHave(id) ? headers.get(id) : null;
    let proto = given ?? own;
    if (config.useRemoteAddress && config.xffNumTrustedHops === 0) proto = own;
    if (config.schemeOverwrite !== '') proto = config.schemeOverwrite;
    if (proto !== given) headers.setKnown(id, proto);
    if (config.schemeOverwrite !== '') head.scheme = config.schemeOverwrite;
    if (head.scheme === '') head.scheme = proto === 'http' || proto === 'https' ? proto : own;
    // RFC 3986 §3.1: its case means nothing. An HTTP/2 client writes it as it likes.
    else head.scheme = head.scheme.toLowerCase();
  }

  /** A client from outside may not set what steers the proxy. */
  #clean(headers: HeaderList, info: StreamInfo): void {
    headers.removeAny(INTERNAL_ONLY);
    for (const name of this.#internalOnlyNames) headers.remove(name);
    if (!this.#config.useRemoteAddress) return;
    headers.removeAny(NOT_FROM_EDGE);
    headers.setKnown(HEADER_ID['x-envoy-external-address'], info.remoteAddress.ip);
  }

  #addIdentity(headers: HeaderList): void {
    const config = this.#config;
    if (config.addUserAgent) {
      const node = this.#services.node;
      headers.setKnown(HEADER_ID['x-envoy-downstream-service-cluster'], node.cluster);
      const agent = headers.get(HEADER_ID['user-agent']);
      if (agent === null || agent === '') {
        headers.setKnown(HEADER_ID['user-agent'], node.cluster);
      }
      if (node.id !== '') headers.setKnown(HEADER_ID['x-envoy-downstream-service-node'], node.id);
    }
    if (config.via !== '') appendVia(headers, config.via);
  }

  #addRequestId(headers: HeaderList, isInternal: boolean): void {
    const config = this.#config;
    const id = HEADER_ID['x-request-id'];
    const given = headers.mayHave(id) ? headers.get(id) : null;
    const atEdge = config.useRemoteAddress && !isInternal;
    if (given !== null && given !== '' && !(atEdge && !config.preserveExternalRequestId)) return;
    if (config.generateRequestId) headers.setKnown(id, this.#services.random.uuid());
  }
}

/** Appends to the last `via` line, as Envoy does in both directions. */
export function appendVia(headers: HeaderList, via: string): void {
  const given = headers.get(HEADER_ID.via);
  headers.setKnown(HEADER_ID.via, given === null || given === '' ? via : `${given}, ${via}`);
}

/** RFC 9110 §7.6.1: what Connection names belongs to this hop. False: refuse the request. */
function applyConnectionOptions({ headers, upgrade }: RequestHead): boolean {
  const te = headers.get(HEADER_ID.te);
  const keepsTrailers = te !== null && hasTrailersToken(te);
  const tooLong = te !== null && te.length >= MAX_TE_BYTES;
  const nominated = nominatedNames(headers);
  if (nominated.length >= MAX_NOMINATED || (tooLong && nominated.includes('te'))) return false;
  for (const name of nominated) {
    if (PROTECTED.has(name) || name.startsWith(':')) return false;
    if (!NOT_NOMINATED.has(name) && name !== 'te') headers.remove(name);
  }
  headers.removeAny(upgrade === '' ? HOP_BY_HOP : HOP_BY_HOP_OF_UPGRADE);
  if (upgrade !== '') keepOnlyUpgrade(headers);
  if (keepsTrailers) headers.addKnown(HEADER_ID.te, 'trailers');
  return true;
}

function nominatedNames(headers: HeaderList): string[] {
  const names: string[] = [];
  for (const line of headers.values('connection')) {
    for (const token of line.split(',')) names.push(token.trim().toLowerCase());
  }
  return names;
}

function hasTrailersToken(te: string): boolean {
  return te.split(',').some((token) => token.trim() === 'trailers');
}

/** Envoy drops a Referer that is no clean URL. */
function checkReferer(headers: HeaderList): void {
  const referer = headers.get(HEADER_ID.referer);
  if (referer !== null && !isCleanReferer(referer)) headers.removeKnown(HEADER_ID.referer);
}

function isSingleForwarded(headers: HeaderList, useRemoteAddress: boolean): boolean {
  if (!headers.mayHave(HEADER_ID['x-forwarded-for'])) return useRemoteAddress;
  const value = headers.get(HEADER_ID['x-forwarded-for']);
  return !useRemoteAddress && value !== null && !value.includes(',');
}
