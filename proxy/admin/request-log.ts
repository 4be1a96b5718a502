// Access lines of the admin interface: its exchanges in the form that loggers of the data path read.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeAddress, type SocketAddress, socketAddress } from '../base/address.ts';
import type { AccessLog } from '../formatter/access-log.ts';
import { HeaderList } from '../http/header-list.ts';
import { RequestHead, ResponseHead } from '../http/message.ts';
import { StreamInfo } from '../http/stream-info.ts';

/** Name of the admin listener's filter chain and of its statistics in Envoy. */
const ADMIN_NAME = 'admin';

/** Writes one line per exchange to every log; costs nothing without logs. */
export class RequestLog {
  readonly #logs: readonly AccessLog[];
  #connections = 0;

  constructor(logs: readonly AccessLog[]) {
    this.#logs = logs;
  }

  /** Follows an exchange to its end; who answers fills in what it sent. null: nobody asks. */
  watch(request: IncomingMessage, response: ServerResponse): StreamInfo | null {
    if (this.#logs.length === 0) return null;
    this.#connections += 1;
    const info = streamInfoOf(request, this.#connections);
    response.once('close', () => this.#write(request, response, info));
    return info;
  }

  #write(request: IncomingMessage, response: ServerResponse, info: StreamInfo): void {
    const wallMs = Date.now();
    const nowMs = performance.now();
    info.lastRequestByteMs = nowMs;
    info.firstResponseByteMs = nowMs;
    info.lastResponseByteMs = nowMs;
    info.endMs = nowMs;
    info.responseCode = response.headersSent ? response.statusCode : 0;
    info.responseCodeDetails = 'admin_filter_response';
    info.bytesReceived = Number(request.headers['content-length'] ?? 0);
    if (!response.writableFinished) info.addFlag('DC');
    const context = {
      info,
      request: requestHeadOf(request),
      response: new ResponseHead(response.statusCode, headersOf(response.getHeaders())),
      responseTrailers: null,
      logType: 'DownstreamEnd' as const,
      localReplyBody: '',
      wallMs,
    };
    for (const log of this.#logs) log.write(context);
  }
}

function streamInfoOf(request: IncomingMessage, id: number): StreamInfo {
  const { localAddress, localPort, remoteAddress, remotePort } = request.socket;
  const downstream = {
    id,
    directRemoteAddress: addressOf(remoteAddress, remotePort),
    remoteAddress: addressOf(remoteAddress, remotePort),
    localAddress: addressOf(localAddress, localPort),
    directLocalAddress: addressOf(localAddress, localPort),
    requestedServerName: '',
    filterChainName: ADMIN_NAME,
    tls: null,
    filterState: null,
  };
  const info = new StreamInfo(downstream, performance.now(), Date.now());
  info.protocol = request.httpVersion === '1.0' ? 'HTTP/1.0' : 'HTTP/1.1';
  return info;
}

function addressOf(ip: string | undefined, port: number | undefined): SocketAddress {
  return ip === undefined || port === undefined ? pipeAddress('') : socketAddress(ip, port);
}

function requestHeadOf(request: IncomingMessage): RequestHead {
  const { host = '', ...headers } = request.headers;
  const target = { path: request.url ?? '/', authority: host, scheme: 'http' };
  const protocol = request.httpVersion === '1.0' ? 'HTTP/1.0' : 'HTTP/1.1';
  return new RequestHead(protocol, request.method ?? 'GET', target, headersOf(headers));
}

function headersOf(headers: Readonly<Record<string, unknown>>): HeaderList {
  const list = HeaderList.empty();
  for (const [name, value] of Object.entries(headers)) {
    for (const text of Array.isArray(value) ? value : [value]) {
      if (text !== undefined) list.add(name.toLowerCase(), String(text));
    }
  }
  return list;
}
