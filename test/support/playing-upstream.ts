// An upstream that does with each request what the request itself asks for, attempt by attempt, and
// keeps what it got. Requests of one case are told apart by the fields `x-case` and `x-play`.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What becomes of one request:
 * - `200` answers; `200 name=value name=value` with these fields.
 * - `reset` closes the connection; `hang` never answers; `late 300` answers 200 after so many ms.
 * - `cut` answers half of a response.
 */
export type Play = string;

/** What an upstream got of a request. */
export interface PlayedRequest {
  readonly upstream: string;
  readonly line: string;
  /** `name: value`, names in lower case, in the order of arrival. */
  readonly fields: readonly string[];
  readonly body: string;
}

/** Fields of a request that are for this upstream. */
export const PLAY_FIELDS = /^x-(?:case|play): /;

/** See the file's head. Several servers may share their cases. */
export class PlayingUpstream {
  readonly name: string;
  /** By case. */
  readonly #seen: Map<string, PlayedRequest[]>;
  /** Requests by case that were played, over all servers. */
  readonly #turns: Map<string, number>;
  readonly #server: http.Server;

  constructor(name: string, shared: PlayedCases) {
    this.name = name;
    this.#seen = shared.seen;
    this.#turns = shared.turns;
    this.#server = http.createServer((request, response) => {
      void this.#serve(request, response);
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  /** Binds; resolves with the port. */
  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    request.on('error', () => undefined);
    const { headers } = request;
    const key = String(headers['x-case'] ?? '');
    const host = headers.host ?? '';
    const turn = this.#turns.get(key) ?? 0;
    // Mirrors are not to take an attempt's turn.
    const isCopy = host.includes('-shadow') || this.name.startsWith('mirror');
    if (!isCopy) this.#turns.set(key, turn + 1);
    const plays = String(headers['x-play'] ?? '').split(';');
    const play = isCopy ? '200' : (plays[turn]?.trim() ?? '200');
    const chunks: Buffer[] = [];
    if (play === 'reset-early') {
      request.socket.destroy();
      return;
    }
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      chunks.push(Buffer.from('[incomplete]'));
    }
    const list = this.#seen.get(key) ?? [];
    this.#seen.set(key, list);
    list.push({
      upstream: this.name,
      line: `${request.method} ${request.url}`,
      fields: fieldLines(request.rawHeaders),
      body: Buffer.concat(chunks).toString('latin1'),
    });
    await perform(play, request, response);
  }
}

/** What the servers of one side share. */
export interface PlayedCases {
  readonly seen: Map<string, PlayedRequest[]>;
  readonly turns: Map<string, number>;
}

async function perform(
  play: Play,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const [what = '', ...rest] = play.split(' ');
  if (what === 'reset') request.socket.destroy();
  if (what === 'late') await sleep(Number(rest[0]));
  if (['reset', 'hang'].includes(what)) return;
  response.sendDate = false;
  if (what === 'cut') {
    response.writeHead(200, ['content-length', '10']);
    response.write('half', () => request.socket.destroy());
    return;
  }
  const status = /^\d+$/.test(what) ? Number(what) : 200;
  const fields = what === 'late' ? [] : rest.flatMap((field) => splitField(field));
  response.writeHead(status, ['content-type', 'text/plain', ...fields]);
  response.end(status === 204 || status === 304 ? '' : `answer ${what}`);
}

function splitField(field: string): string[] {
  const at = field.indexOf('=');
  return [field.slice(0, at), field.slice(at + 1)];
}

function fieldLines(raw: readonly string[]): string[] {
  const lines: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    lines.push(`${raw[index]?.toLowerCase()}: ${raw[index + 1]}`);
  }
  return lines;
}
