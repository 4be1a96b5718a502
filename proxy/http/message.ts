// Message heads as filters and the router see them: the same for HTTP/1.1 and HTTP/2.
import type { HeaderList } from './header-list.ts';

/** Protocol of a stream, with the texts of Envoy's `%PROTOCOL%`. */
export type Protocol = 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2';

/** A request's head. Pseudo-fields are members; `headers` never holds `host`. */
export class RequestHead {
  method: string;
  /** Request target as it will be sent: origin-form with its query, `*`, or '' for CONNECT. */
  path: string;
  /** Host and optional port, as the client wrote it; '' when it sent none. */
  authority: string;
  /** `http` or `https`; '' until the connection manager decides. */
  scheme: string;
  readonly protocol: Protocol;
  readonly headers: HeaderList;
  /**
   * The protocol that the client wants to speak instead, in lower case: `websocket`; '' for none.
   * `headers` then hold `connection: upgrade` and `upgrade`, and the method is what HTTP/1.1 has
   * (GET), also when it came as extended CONNECT (RFC 8441).
   */
  upgrade = '';

  constructor(
    protocol: Protocol,
    method: string,
    target: { readonly path: string; readonly authority: string; readonly scheme: string },
    headers: HeaderList,
  ) {
    this.method = method;
    this.path = target.path;
    this.authority = target.authority;
    this.scheme = target.scheme;
    this.protocol = protocol;
    this.headers = headers;
  }

  /** With a head like this, content is octets of another protocol once a response agrees. */
  get asksForTunnel(): boolean {
    return this.upgrade !== '' || this.method === 'CONNECT';
  }
}

/** A response's head. */
export class ResponseHead {
  /** 100 to 999 from a peer; 200 to 599 from the proxy itself. 101 agrees to an upgrade. */
  status: number;
  readonly headers: HeaderList;

  constructor(status: number, headers: HeaderList) {
    this.status = status;
    this.headers = headers;
  }
}
