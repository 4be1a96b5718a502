// An exchange as formatters and log filters see it, with every fact set to something recognisable.
import { socketAddress } from '../../proxy/base/address.ts';
import type { FormatContext } from '../../proxy/formatter/formatter.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { RequestHead, ResponseHead } from '../../proxy/http/message.ts';
import { type DownstreamConnectionInfo, StreamInfo } from '../../proxy/http/stream-info.ts';

/** Saturday, 21 November 2026, 02:53:41.061749 UTC */
export const START_WALL_MS = 1_795_229_621_061.749;

/** The upstream host of `proxiedContext`. */
export const UPSTREAM_HOST = {
  address: socketAddress('127.0.0.1', 19431),
  hostname: 'hn:81',
  clusterName: 'c',
  observabilityName: 'calt',
  endpoint: { metadata: { ns: { k: 'v', o: { b: 1, a: [true, 'é'] } } } },
};

/** An exchange that was proxied: 200 with a body, 2 ms. */
export function proxiedContext(): FormatContext {
  const info = bareInfo({
    filterChainMetadata: { ns: { k: 'chain' } },
    listener: { name: 'in', metadata: { ns: { k: 'listener' } } },
  });
  info.remoteAddress = socketAddress('2001:db8::1:2', 0);
  info.endMs = 1002.9;
  info.lastRequestByteMs = 1000.485;
  info.firstUpstreamTxByteMs = 1000.6;
  info.lastUpstreamTxByteMs = 1000.7;
  info.firstUpstreamRxByteMs = 1001.5;
  info.lastUpstreamRxByteMs = 1001.6;
  info.firstResponseByteMs = 1001.75;
  info.lastResponseByteMs = 1002.75;
  info.upstreamConnectStartMs = 900;
  info.upstreamConnectEndMs = 900.025;
  info.upstreamPoolReadyDurationMs = 3.4;
  Object.assign(info, {
    ...{ bytesReceived: 4, bytesSent: 13 },
    downstreamMeter: {
      ...{ wireBytesReceived: 120, wireBytesSent: 2804 },
      ...{ headerBytesReceived: 62, headerBytesSent: 2772 },
    },
    upstreamMeter: {
      ...{ wireBytesReceived: 179, wireBytesSent: 297 },
      ...{ headerBytesReceived: 141, headerBytesSent: 239 },
    },
    ...{ responseCode: 200, responseCodeDetails: 'via upstream', routeName: 'rt' },
    ...{ clusterName: 'c', upstreamConnectionId: 2, upstreamProtocol: 'HTTP/1.1' },
    ...{ attemptCount: 1, upstreamLocalAddress: socketAddress('127.0.0.1', 55244) },
    ...{ attemptedHosts: [UPSTREAM_HOST], attemptedConnectionIds: [2, 3] },
    upstreamHost: UPSTREAM_HOST,
    clusterMetadata: { ns: { k: 'cluster', n: 1.5 } },
  });
  info.dynamicMetadata = new Map([
    [
      'ns',
      {
        s: 'text',
        n: 1.5,
        b: true,
        l: [1, 'a'],
        o: { z: '1', a: 2 },
        u: 'ü€',
        p: { v: '\xc3\xbc' },
      },
    ],
  ]);
  info.filterState = new Map<string, unknown>([
    ['fs', { field: 'x', 10: 1, 9: 2 }],
    ['plain', 'a"\xc3\xbc'],
  ]);
  const headers = HeaderList.of(
    ...['x-a', 'abc\\def"q"', 'x-a', 'second', 'x-empty', '', 'user-agent', 'curl/8'],
    ...['x-envoy-original-path', '/orig/path?a=1%20x&b=hello&a=2&c'],
    ...['x-request-id', '7d437576-7342-4809-89ed-9f2eabc7c04f'],
  );
  const target = { path: '/new?a=1%20x&b=hello&a=2&c', authority: 'ex.test:99', scheme: 'http' };
  return {
    info,
    request: new RequestHead('HTTP/1.1', 'POST', target, headers),
    response: new ResponseHead(200, HeaderList.of('x-multi', 'one', 'x-multi', 'two')),
    responseTrailers: HeaderList.of('x-t', 'tv'),
    route: {
      config: { metadata: { ns: { k: 'route' } } },
      virtualHost: { metadata: { ns: { k: 'vhost' } } },
    },
    logType: 'DownstreamEnd',
    localReplyBody: '',
    wallMs: START_WALL_MS + 5000,
  };
}

/** An exchange of which nothing is known but that a connection was there. */
export function emptyContext(): FormatContext {
  return {
    info: bareInfo(),
    request: null,
    response: null,
    responseTrailers: null,
    logType: 'NotSet',
    localReplyBody: '',
    wallMs: START_WALL_MS,
  };
}

/** A gRPC request with this response: status, head's grpc-status, trailers' grpc-status. */
export function grpcContext(
  responseCode: number,
  inHead: string | null,
  inTrailers: string | null,
): FormatContext {
  const info = bareInfo();
  info.responseCode = responseCode;
  const target = { path: '/pkg.Service/Method', authority: 'ex.test', scheme: 'http' };
  const headers = HeaderList.of('content-type', 'application/grpc+proto');
  const head = inHead === null ? HeaderList.empty() : HeaderList.of('grpc-status', inHead);
  return {
    ...emptyContext(),
    info,
    request: new RequestHead('HTTP/2', 'POST', target, headers),
    response: responseCode === 0 ? null : new ResponseHead(responseCode, head),
    responseTrailers: inTrailers === null ? null : HeaderList.of('grpc-status', inTrailers),
  };
}

function bareInfo(members: Partial<DownstreamConnectionInfo> = {}): StreamInfo {
  const downstream: DownstreamConnectionInfo = {
    id: 7,
    directRemoteAddress: socketAddress('127.0.0.1', 57684),
    remoteAddress: socketAddress('127.0.0.1', 57684),
    localAddress: socketAddress('127.0.0.1', 19432),
    directLocalAddress: socketAddress('127.0.0.1', 19432),
    requestedServerName: '',
    filterChainName: '',
    tls: null,
    filterState: null,
    ...members,
  };
  return new StreamInfo(downstream, 1000, START_WALL_MS);
}
