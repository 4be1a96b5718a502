// What the connection manager does to every response behind the filters: date, server and via, and
// none of the fields that belong to the upstream's hop.
import { HEADER_ID, headerMask } from '../../../http/header-names.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import { keepOnlyUpgrade } from '../../../http/tunnel.ts';
import type { HttpConnectionManagerConfig } from '../../../model/http-connection-manager.ts';
import { appendVia } from './request-conditioner.ts';

const HOP_BY_HOP = headerMask(
  'connection',
  'upgrade',
  'transfer-encoding',
  'keep-alive',
  'proxy-connection',
);
const HOP_BY_HOP_OF_UPGRADE = headerMask('transfer-encoding', 'keep-alive', 'proxy-connection');
/** Envoy renews its date line this often. */
const DATE_REFRESH_MS = 500;

/** One per connection manager. */
export class ResponseConditioner {
  readonly #config: HttpConnectionManagerConfig;
  #date = '';
  #dateMadeMs = Number.NEGATIVE_INFINITY;

  constructor(config: HttpConnectionManagerConfig) {
    this.#config = config;
  }

  /** Does its work in place. `wallMs` is the time now. */
  condition(head: ResponseHead, request: RequestHead | null, wallMs: number): void {
    const headers = head.headers;
    const config = this.#config;
    if (!headers.mayHave(HEADER_ID.date)) {
      headers.addKnown(HEADER_ID.date, this.#dateAt(wallMs));
    }
    if (
      config.serverHeader === 'overwrite' ||
      (config.serverHeader === 'append-if-absent' && !headers.mayHave(HEADER_ID.server))
    ) {
      headers.setKnown(HEADER_ID.server, config.serverName);
    }
    if (head.status === 101) {
      headers.removeAny(HOP_BY_HOP_OF_UPGRADE);
      keepOnlyUpgrade(headers);
    } else {
      headers.removeAny(HOP_BY_HOP);
    }
    if (request !== null && this.#showsRequestId(request)) {
      const id = request.headers.get(HEADER_ID['x-request-id']);
      if (id !== null) headers.setKnown(HEADER_ID['x-request-id'], id);
    }
    if (config.via !== '') appendVia(headers, config.via);
  }

  /** Envoy: always where configured, and where the client forces a trace. */
  #showsRequestId(request: RequestHead): boolean {
    const isForced = request.headers.mayHave(HEADER_ID['x-envoy-force-trace']);
    return isForced || this.#config.alwaysSetRequestIdInResponse;
  }

  /** IMF-fixdate of RFC 9110 §5.6.7. */
  #dateAt(wallMs: number): string {
    if (wallMs - this.#dateMadeMs >= DATE_REFRESH_MS || wallMs < this.#dateMadeMs) {
      this.#date = new Date(wallMs).toUTCString();
      this.#dateMadeMs = wallMs;
    }
    return this.#date;
  }
}
