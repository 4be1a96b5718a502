// An upstream whose answers to health checks the test decides: HTTP/1.1, HTTP/2 with gRPC, and plain
// TCP, each on a port of its own. HTTP checks are told apart by their path or authority.
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';

/** What is answered to checks of one name; absent members are those of a healthy host. */
export interface ScriptedHealth {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The connection is cut instead. */
  readonly isCut?: boolean;
  /** There is no answer. */
  readonly isSilent?: boolean;
  /** grpc.health.v1 status, and the call's own. */
  readonly serving?: number;
  readonly grpcStatus?: number;
  /** What is sent back over plain TCP. */
  readonly reply?: string;
}

/** A request that was seen. */
export interface SeenCheck {
  readonly line: string;
  readonly headers: readonly string[];
  readonly body: string;
}

/** See the file's head. */
export class CheckedUpstream {
  /** By name: the authority of HTTP and gRPC, `tcp` for plain TCP. */
  readonly health = new Map<string, ScriptedHealth>();
  /** The last check of each name. */
  readonly seen = new Map<string, SeenCheck>();
  /** Status of HTTP/1.1 requests for /data, which are no checks. */
  dataStatus = 200;
  /** Told of each check by HTTP/1.1, before it is answered. */
  onCheck: () => void = () => undefined;
  readonly #http1 = http.createServer((request, response) => this.#onRequest(request, response));
  readonly #http2 = http2.createServer();
  readonly #tcp = net.createServer((socket) => this.#onSocket(socket));
  readonly #sockets = new Set<{ destroy(): void }>();

  constructor() {
    this.#http1.keepAliveTimeout = 60_000;
    this.#http2.on('stream', (stream, headers) => this.#onStream(stream, headers));
    this.#http2.on('session', (session) => {
      this.#sockets.add(session);
      session.on('error', () => undefined);
      session.on('close', () => this.#sockets.delete(session));
    });
  }

  /** Ports by protocol. */
  async listen(ip = '127.0.0.1'): Promise<Readonly<Record<'http1' | 'http2' | 'tcp', number>>> {
    return {
      http1: await listen(this.#http1, ip),
      http2: await listen(this.#http2, ip),
      tcp: await listen(this.#tcp, ip),
    };
  }

  close(): void {
    for (const server of [this.#http1, this.#http2, this.#tcp]) server.close();
    this.#http1.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
  }

  #onRequest(request: http.IncomingMessage, response: http.ServerResponse): void {
    const name = request.headers.host ?? '';
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      if (request.url !== '/data') {
        const line = `${request.method} ${request.url} ${request.httpVersion}`;
        this.seen.set(name, { line, headers: request.rawHeaders, body });
        this.onCheck();
      }
      const ofData: ScriptedHealth = { status: this.dataStatus };
      const script = request.url === '/data' ? ofData : (this.health.get(name) ?? {});
      if (script.isCut === true) request.socket.destroy();
      if (script.isCut === true || script.isSilent === true) return;
      const said = request.headers['x-say'];
      const more = said === undefined ? {} : { [String(said)]: 'true' };
      response.writeHead(script.status ?? 200, { ...script.headers, ...more });
      response.end(script.body ?? 'ok');
    });
  }

  #onStream(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void {
    const name = String(headers[':authority']);
    const chunks: Buffer[] = [];
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const body = Buffer.concat(chunks).toString('hex');
      const fields = Object.entries(headers).flat().map(String);
      this.seen.set(name, {
        line: `${headers[':method']} ${headers[':path']} 2`,
        headers: fields,
        body,
      });
      const script = this.health.get(name) ?? {};
      if (script.isCut === true) stream.session?.destroy();
      if (script.isCut === true || script.isSilent === true) return;
      if (headers['content-type'] === 'application/grpc') answerGrpc(stream, script);
      else {
        stream.respond({ ':status': script.status ?? 200, ...script.headers });
        stream.end(script.body ?? 'ok');
      }
    });
  }

  #onSocket(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      this.seen.set('tcp', { line: data.toString('latin1'), headers: [], body: '' });
      const script = this.health.get('tcp') ?? {};
      if (script.isCut === true) socket.destroy();
      else if (script.isSilent !== true) socket.write(script.reply ?? 'PONG');
    });
  }
}

function answerGrpc(stream: http2.ServerHttp2Stream, script: ScriptedHealth): void {
  const status = String(script.grpcStatus ?? 0);
  const head = { ':status': script.status ?? 200, 'content-type': 'application/grpc' };
  if (script.grpcStatus !== undefined) {
    stream.respond({ ...head, 'grpc-status': status }, { endStream: true });
    return;
  }
  stream.respond(head, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
  stream.end(Buffer.from([0, 0, 0, 0, 2, 8, script.serving ?? 1]));
}

function listen(server: net.Server | http2.Http2Server, ip: string): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, ip, () => resolve((server.address() as net.AddressInfo).port));
  });
}
