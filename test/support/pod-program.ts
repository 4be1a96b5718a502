// What runs inside a pod: servers and clients of one user. Orders come as lines of JSON on standard
// input, answers leave as lines of JSON with the order's id. Started by PodUser.
import dgram from 'node:dgram';
import http from 'node:http';
import net from 'node:net';
import { createInterface } from 'node:readline';
import tls from 'node:tls';
import { KEPT } from './kept-connections.ts';

/** One order; `port` 0 is nobody's. */
export interface PodOrder {
  readonly what: 'serve-http' | 'serve-tcp' | 'serve-udp' | 'http' | 'tcp' | 'udp' | 'tls';
  readonly ip: string;
  readonly port: number;
  /** Of a server: how it calls itself. */
  readonly name?: string;
  /** Of a client: Host and path, or what it sends. */
  readonly host?: string;
  readonly path?: string;
  readonly text?: string;
  /** A TCP client that does not wait for the greeting to send its text. */
  readonly speaksFirst?: boolean;
  /** Of a TLS client: what it offers, and its own certificate with key, as PEM. */
  readonly alpn?: readonly string[];
  readonly own?: string;
}

/** What became of it; `error` is '' when it went well. */
export interface PodAnswer {
  readonly error: string;
  readonly status?: number;
  readonly text?: string;
}

const TIMEOUT_MS = 10_000;

/** Says who it is and what it sees of the client. */
function serveHttp({ ip, port, name }: PodOrder, done: (answer: PodAnswer) => void): void {
  const server = http.createServer(KEPT, ({ headers, url, socket }, response) => {
    const seen = {
      ...{ name, url, host: headers.host, peer: socket.remoteAddress },
      forwardedFor: headers['x-forwarded-for'] ?? '',
      certificate: headers['x-forwarded-client-cert'] ?? '',
    };
    response.end(JSON.stringify(seen));
  });
  listen(server, { ip, port, done });
}

/** Speaks first, then repeats what it is told until the client ends. */
function serveTcp({ ip, port, name }: PodOrder, done: (answer: PodAnswer) => void): void {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.write(`${name} greets ${socket.remoteAddress}\n`);
    socket.pipe(socket);
  });
  listen(server, { ip, port, done });
}

function listen(
  server: net.Server,
  { ip, port, done }: { ip: string; port: number; done: (answer: PodAnswer) => void },
): void {
  server.once('error', ({ message }) => done({ error: message }));
  server.listen({ host: ip, port }, () => done({ error: '' }));
}

function serveUdp({ ip, port, name }: PodOrder, done: (answer: PodAnswer) => void): void {
  const server = dgram.createSocket(ip.includes(':') ? 'udp6' : 'udp4');
  server.once('error', ({ message }) => done({ error: message }));
  server.on('message', (text, from) => {
    server.send(`${name} heard ${text}`, from.port, from.address);
  });
  server.bind(port, ip, () => done({ error: '' }));
}

function askHttp(order: PodOrder, done: (answer: PodAnswer) => void): void {
  const { ip: host, port, path = '/' } = order;
  const headers = order.host === undefined ? {} : { host: order.host };
  const request = http.get({ host, port, path, headers, timeout: TIMEOUT_MS }, (response) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (part: string) => {
      text += part;
    });
    response.on('error', ({ message }) => done({ error: message }));
    response.on('end', () => done({ error: '', status: response.statusCode ?? 0, text }));
  });
  request.on('timeout', () => request.destroy(new Error('no answer')));
  request.on('error', (error: NodeJS.ErrnoException) => done({ error: codeOf(error) }));
}

/** Sends a text, at first or when it is greeted, then FIN, and reads to the end. */
function askTcp(order: PodOrder, done: (answer: PodAnswer) => void): void {
  const { ip: host, port } = order;
  const socket = net.connect({ host, port, allowHalfOpen: true });
  let text = '';
  let hasEnded = false;
  if (order.speaksFirst === true) socket.write(order.text ?? '');
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no answer')));
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    if (hasEnded || !text.includes('\n')) return;
    hasEnded = true;
    socket.end(order.speaksFirst === true ? '' : (order.text ?? ''));
  });
  socket.on('end', () => socket.end());
  socket.on('error', (error: NodeJS.ErrnoException) => done({ error: codeOf(error), text }));
  socket.on('close', () => done({ error: '', text }));
}

/** Trusts everybody, sends a text, and reads to the end. */
function askTls(order: PodOrder, done: (answer: PodAnswer) => void): void {
  const { ip: host, port, own, alpn = [] } = order;
  const certificate = own === undefined ? {} : { cert: own, key: own };
  const options = { host, port, ALPNProtocols: [...alpn], rejectUnauthorized: false };
  const socket = tls.connect({ ...options, ...certificate });
  let text = '';
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no answer')));
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  socket.on('secureConnect', () => socket.write(order.text ?? ''));
  socket.on('error', (error: NodeJS.ErrnoException) => done({ error: codeOf(error), text }));
  socket.on('close', () => done({ error: '', text }));
}

function askUdp(order: PodOrder, done: (answer: PodAnswer) => void): void {
  const socket = dgram.createSocket(order.ip.includes(':') ? 'udp6' : 'udp4');
  const timer = setTimeout(() => end({ error: 'no answer' }), TIMEOUT_MS);
  const end = (answer: PodAnswer): void => {
    clearTimeout(timer);
    socket.close();
    done(answer);
  };
  socket.once('error', (error: NodeJS.ErrnoException) => end({ error: codeOf(error) }));
  socket.once('message', (text, from) => {
    end({ error: '', text: `${text} at ${from.address}:${from.port}` });
  });
  socket.connect(order.port, order.ip, () => socket.send(order.text ?? ''));
}

function codeOf({ code, message }: NodeJS.ErrnoException): string {
  return code ?? message;
}

const ORDERS: Readonly<
  Record<PodOrder['what'], (order: PodOrder, done: (answer: PodAnswer) => void) => void>
> = {
  'serve-http': serveHttp,
  'serve-tcp': serveTcp,
  'serve-udp': serveUdp,
  http: askHttp,
  tcp: askTcp,
  udp: askUdp,
  tls: askTls,
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, order } = JSON.parse(line) as { id: number; order: PodOrder };
  let isDone = false;
  ORDERS[order.what](order, (answer) => {
    if (isDone) return;
    isDone = true;
    process.stdout.write(`${JSON.stringify({ id, answer })}\n`);
  });
});
process.stdin.on('end', () => process.exit(0));
