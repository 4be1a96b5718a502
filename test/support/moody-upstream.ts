// An upstream on every address of loopback, some of which behave badly, request by request as told.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KEPT } from './kept-connections.ts';

/** What becomes of a request: a status, or something worse. */
export type Mood = number | 'reset' | 'reset-late' | 'silence' | 'degraded' | 'grpc' | 'grpc-late';

/** See the file's head. */
export class MoodyUpstream {
  /** How often each address was asked. */
  readonly hits = new Map<string, number>();
  /** What an address does next; the last entry stays. An address that is not here answers 200. */
  readonly moods = new Map<string, Mood[]>();
  /** Told of each request, with the address that was asked. */
  onRequest: (address: string, request: IncomingMessage) => void = () => undefined;
  readonly #server = createServer(KEPT, (request, response) => this.#onRequest(request, response));

  /** Binds; resolves with the port. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '0.0.0.0', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  hitsOf(address: string): number {
    return this.hits.get(address) ?? 0;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const address = request.socket.localAddress ?? '';
    this.hits.set(address, this.hitsOf(address) + 1);
    this.onRequest(address, request);
    const moods = this.moods.get(address) ?? [];
    const mood = (moods.length > 1 ? moods.shift() : moods[0]) ?? 200;
    response.setHeader('x-host', address);
    if (typeof mood === 'number') response.writeHead(mood).end(address);
    else if (mood === 'degraded') response.writeHead(200, { 'x-envoy-degraded': '1' }).end();
    else if (mood === 'grpc') response.writeHead(200, grpcFields(0)).end();
    else if (mood === 'reset') request.socket.resetAndDestroy();
    else if (mood === 'reset-late') breakOff(request, response);
    else if (mood === 'grpc-late') endWithTrailers(response);
  }
}

/** Of a call that is UNAVAILABLE, which its head says already. */
function grpcFields(length: number): Record<string, string | number> {
  return { 'content-type': 'application/grpc', 'grpc-status': 14, 'content-length': length };
}

function endWithTrailers(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/grpc', trailer: 'grpc-status' });
  response.write('\0\0\0\0\0');
  response.addTrailers({ 'grpc-status': '14' });
  response.end();
}

function breakOff(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-length': 10 });
  response.write('five.', () => request.socket.resetAndDestroy());
}
