// The admin interface's socket: plain node:http, since nothing here is on the data path. It binds a
// TCP address or a pipe that only this user may open, and refuses what a web page could send.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeAddress, type SocketAddress, socketAddress } from '../base/address.ts';
import { isLoopbackIp } from '../base/ip-address.ts';
import type { Logger } from '../base/log.ts';
import type { AccessLog } from '../formatter/access-log.ts';
import {
  type Bound,
  bindPipe,
  canBindAhead,
  handleOf,
  listenOnPipe,
  removePipe,
} from '../net/bound-handle.ts';
import type { ListenHandle } from '../net/socket-source.ts';
import type { BoundsOf } from '../stats/selection.ts';
import type { TagExtractor } from '../stats/tags.ts';
import type { AdminBackend } from './backend.ts';
import { type AdminContext, type AdminReply, textReply } from './endpoint.ts';
import { refusalOf } from './guard.ts';
import { QueryParams } from './query.ts';
import { RequestLog } from './request-log.ts';
import { dispatch } from './router.ts';

/** Forms of the home page are far smaller; more is not read. */
const MAX_BODY_BYTES = 65_536;
/** Scrapers and people need few; a leak of theirs must not eat our descriptors. */
const MAX_CONNECTIONS = 200;
/** How long a client may take for a request. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Permission bits taken from a new pipe: it is left with 0600. */
const PIPE_UMASK = 0o177;

/** What an admin server is made with. */
export interface AdminServerOptions {
  readonly backend: AdminBackend;
  readonly address: SocketAddress;
  readonly logger: Logger;
  readonly tags: TagExtractor;
  readonly boundsOf: BoundsOf;
  /** Bootstrap.admin.access_log */
  readonly accessLogs: readonly AccessLog[];
}

/** One admin interface. */
export class AdminServer {
  readonly #address: SocketAddress;
  readonly #logger: Logger;
  readonly #context: AdminContext;
  readonly #requestLog: RequestLog;
  readonly #server: Server;
  /** It goes with the process: nobody else serves it. */
  #ownPath: string | null = null;
  #isRetiring = false;

  constructor(options: AdminServerOptions) {
    this.#address = options.address;
    this.#logger = options.logger;
    const { backend, tags, boundsOf } = options;
    this.#context = { backend, tags, boundsOf };
    this.#requestLog = new RequestLog(options.accessLogs);
    this.#server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => this.#fail(response, error));
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /**
   * Binds, or takes over a socket that is bound already; gives the address that was bound. Rejects
   * when the address cannot be had.
   */
  async start(bound: ListenHandle | null = null): Promise<SocketAddress> {
    const { ip, port } = this.#address;
    const isPipe = port === -1;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.once('listening', () => {
        this.#server.off('error', reject);
        resolve();
      });
      if (bound !== null && isPipe) listenOnPipe(this.#server, bound, null);
      else if (bound !== null) this.#server.listen(bound);
      else if (isPipe) this.#listenOnPipe(ip);
      else this.#server.listen(port, ip);
    });
    if (isPipe) {
      if (!ip.startsWith('@')) this.#ownPath = ip;
      return pipeAddress(ip);
    }
    this.#warnUnlessLoopback(ip);
    const address = this.#server.address();
    return address !== null && typeof address === 'object'
      ? socketAddress(address.address, address.port)
      : this.#address;
  }

  /** As the configuration says, port 0 included. */
  get wanted(): SocketAddress {
    return this.#address;
  }

  /** What it listens on, for a process that is to go on with it; null: it does not listen. */
  get socket(): ListenHandle | null {
    return handleOf(this.#server);
  }

  /**
   * Another process answers on the same socket: what was asked here is still answered. Resolves when
   * no connection is left.
   */
  retire(): Promise<void> {
    this.#isRetiring = true;
    this.#ownPath = null;
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** Stops listening and ends every connection. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
      if (this.#ownPath !== null) removePipe(this.#ownPath);
      this.#ownPath = null;
    });
  }

  #listenOnPipe(path: string): void {
    if (path.startsWith('@')) {
      this.#server.listen(`\0${path.slice(1)}`);
      return;
    }
    // Bound while nothing else runs, so that no other file can be made under this mask.
    const before = process.umask(PIPE_UMASK);
    try {
      if (!canBindAhead) this.#server.listen(path);
      else listenOnPipe(this.#server, handleIn(bindPipe(path), path), null);
    } finally {
      process.umask(before);
    }
  }

  #warnUnlessLoopback(ip: string): void {
    if (isLoopbackIp(ip)) return;
    this.#logger.log(
      'warning',
      'the admin interface can be reached from other hosts: whoever connects may read the ' +
        'configuration and stop the proxy; bind it to 127.0.0.1 or to a pipe',
      { address: this.#address.text },
    );
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = (reply: AdminReply): void => {
      if (this.#isRetiring) response.setHeader('connection', 'close');
      if (info !== null) info.bytesSent = Buffer.byteLength(reply.body);
      send(request, response, reply);
    };
    const info = this.#requestLog.watch(request, response);
    const refusal = this.#refusalOf(request);
    if (refusal !== null) {
      answer(textReply(`Forbidden: ${refusal}.\n`, 403));
      return;
    }
    const target = request.url ?? '/';
    const question = target.indexOf('?');
    const path = question < 0 ? target : target.slice(0, question);
    const body = await readBody(request);
    if (body === null) {
      answer(textReply('Payload Too Large\n', 413));
      return;
    }
    const query = question < 0 ? formOf(request, body) : target.slice(question + 1);
    const method = request.method ?? 'GET';
    const reply = await dispatch({ method, path, params: new QueryParams(query) }, this.#context);
    answer(reply);
  }

  #refusalOf(request: IncomingMessage): string | null {
    // No browser opens a pipe.
    if (this.#address.port === -1) return null;
    const { host, origin } = request.headers;
    const fetchSite = request.headers['sec-fetch-site'];
    return refusalOf({
      host: host ?? null,
      origin: origin ?? null,
      fetchSite: typeof fetchSite === 'string' ? fetchSite : null,
    });
  }

  #fail(response: ServerResponse, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#logger.log('error', 'an admin request failed', { reason });
    if (response.headersSent) response.destroy();
    else sendHead(response, textReply('', 500)).end('Internal Server Error\n');
  }
}

function handleIn(bound: Bound, path: string): ListenHandle {
  if (!('code' in bound)) return bound;
  const { code } = bound;
  throw Object.assign(new Error(`listen ${code}: cannot bind ${path}`), { code });
}

/** The body as text, null when it is too large. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > MAX_BODY_BYTES) return null;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function formOf(request: IncomingMessage, body: string): string {
  const type = request.headers['content-type'] ?? '';
  const isForm = request.method === 'POST' && type === 'application/x-www-form-urlencoded';
  return isForm ? body.replaceAll('+', '%20') : '';
}

function send(request: IncomingMessage, response: ServerResponse, reply: AdminReply): void {
  const { afterwards } = reply;
  if (afterwards !== null) response.once('close', afterwards);
  if (reply.status === 413) response.setHeader('connection', 'close');
  sendHead(response, reply).end(request.method === 'HEAD' ? '' : reply.body);
}

/** Envoy's header fields, in its order. */
function sendHead(response: ServerResponse, reply: AdminReply): ServerResponse {
  response.setHeader('content-type', reply.contentType);
  response.setHeader('cache-control', 'no-cache, max-age=0');
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('server', 'envoy');
  // Not as an argument: what writeHead is given cannot be read back for the access log.
  return response.writeHead(reply.status);
}
