// An upstream that falls ill on command, in a process of its own so that it can be killed.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Illness, UpstreamOrder, UpstreamReport } from './illness.ts';

const SLOW_MS = 1500;
/** A reset that came with the first octets could overtake them. */
const HALF_MS = 50;
/** Later connections are not even acknowledged, once nobody accepts those that wait. */
const SMALL_BACKLOG = 1;

let illness: Illness = 'none';
let requests = 0;
const sockets = new Set<Socket>();
let server = makeServer();
server.listen(0, '127.0.0.1', () => tell(server.address() as AddressInfo));
process.on('message', (order: UpstreamOrder) => {
  if (order.kind === 'fall-ill') fallIll(order.illness);
  else tell(null);
});
process.once('disconnect', () => process.exit());

function makeServer() {
  const made = createServer({ keepAliveTimeout: 60_000 }, answer);
  made.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  });
  return made;
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  requests += 1;
  request.resume();
  switch (illness) {
    case 'reset':
      request.socket.resetAndDestroy();
      return;
    case 'silent':
      return;
    case 'half-answer':
      response.writeHead(200, { 'content-length': '1000' });
      response.write('the beginning');
      setTimeout(() => request.socket.resetAndDestroy(), HALF_MS);
      return;
    case 'slow':
      setTimeout(() => response.end('late'), SLOW_MS);
      return;
    case 'errors':
      response.writeHead(500).end('ill');
      return;
    case 'unavailable':
      response.writeHead(503).end('ill');
      return;
    default:
      response.end('well');
  }
}

function fallIll(next: Illness): void {
  illness = next;
  if (next !== 'refusing' && next !== 'backlogged') {
    tell(null);
    return;
  }
  const { port } = server.address() as AddressInfo;
  server.close(() => {
    if (next === 'refusing') tell(null);
    else {
      server = makeServer();
      server.listen({ port, host: '127.0.0.1', backlog: SMALL_BACKLOG }, () => tell(null));
    }
  });
  for (const socket of sockets) socket.resetAndDestroy();
}

function tell(address: AddressInfo | null): void {
  const report: UpstreamReport = { port: address?.port ?? 0, requests };
  process.send?.(report);
}
