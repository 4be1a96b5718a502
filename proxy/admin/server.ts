// The admin interface's socket: plain node:http, since nothing here is on the data path. It binds a
// TCP address or a pipe that only this user may open, and refuses what a web page could send.
import { lstatSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeAddress, type SocketAddress, socketAddress } from '../base/address.ts';
import { isLoopbackIp } from '../base/ip-address.ts';
import type { Logger } from '../base/log.ts';
import type { AccessLog } from '../formatter/access-log.ts';
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

  /** Binds; gives the address that was bound. Rejects when the address cannot be had. */
  async start(): Promise<SocketAddress> {
    const { ip, port } = this.#address;
    const isPipe = port === -1;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.once('listening', () => {
        this.#server.off('error', reject);
        resolve();
      });
      if (isPipe) this.#listenOnPipe(ip);
      else this.#server.listen(port, ip);
    });
    if (isPipe) return pipeAddress(ip);
    this.#warnUnlessLoopback(ip);
    const bound = this.#server.address();
    return bound !== null && typeof bound === 'object'
      ? socketAddress(bound.address, bound.port)
      : this.#address;
  }

  /** Stops listening and ends every connection. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #listenOnPipe(path: string): void {
    if (path.startsWith('@')) {
      this.#server.listen(`\0${path.slice(1)}`);
      return;
    }
    removeOldPipe(path);
    // A pipe is bound inside listen(), so that no other file can be made under this mask.
    const before = process.umask(PIPE_UMASK);
    try {
      this.#server.listen(path);
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

/** A socket that a process before us left behind; any other file stays, and binding then fails. */
function removeOldPipe(path: string): void {
  const old = lstatSync(path, { throwIfNoEntry: false });
  if (old?.isSocket() === true) unlinkSync(path);
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
