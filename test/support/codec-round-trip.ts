// Decodes requests and encodes them again through a client's codec, as the proxy does between its
// two connections; what comes out must decode to the same requests.
import type { ServerCodecHandler } from '../../proxy/http/codec.ts';
import { H1ClientCodec } from '../../proxy/http/h1/client-codec.ts';
import { DEFAULT_H1_CLIENT_OPTIONS, type H1ServerOptions } from '../../proxy/http/h1/options.ts';
import { H1ServerCodec } from '../../proxy/http/h1/server-codec.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { type RequestHead, ResponseHead } from '../../proxy/http/message.ts';
import type { RequestReceiver, RequestSender, ResponseSender } from '../../proxy/http/stream.ts';
import { RecordingSink } from './recording-sink.ts';

/** Complete requests in canonical form, and the octets that they were encoded to. */
export interface Forwarded {
  readonly requests: readonly string[];
  readonly wire: string;
}

const DEAF = {
  onInformational: () => undefined,
  onResponseHead: () => undefined,
  onData: () => undefined,
  onTrailers: () => undefined,
  onReset: () => undefined,
  onWritable: () => undefined,
};
const NOBODY = {
  onStreamClosed: () => undefined,
  onCapacityChanged: () => undefined,
  onConnectionDone: () => undefined,
};
const FRAMING = ['connection', 'transfer-encoding', 'content-length', 'proxy-connection', 'expect'];

class Forwarder implements ServerCodecHandler, RequestReceiver {
  readonly requests: string[] = [];
  wire = '';
  #downstream: ResponseSender | null = null;
  #upstream: RequestSender | null = null;
  #sink = new RecordingSink();
  #text = '';
  #asksForTunnel = false;

  onStream(sender: ResponseSender): RequestReceiver {
    this.#downstream = sender;
    this.#sink = new RecordingSink();
    const codec = new H1ClientCodec(
      { ...DEFAULT_H1_CLIENT_OPTIONS, enableTrailers: true },
      this.#sink,
      NOBODY,
    );
    this.#upstream = codec.openStream(DEAF);
    return this;
  }

  onRequestHead(head: RequestHead, endStream: boolean): void {
    if (head.authority === '') head.authority = 'nobody';
    // The connection manager lets no fragment pass.
    head.path = head.path.replaceAll('#', '');
    for (const name of FRAMING.slice(3)) head.headers.remove(name);
    this.#text = `${head.method} ${head.path} @${head.authority}\n`;
    for (let index = 0; index < head.headers.length; index += 1) {
      const name = head.headers.nameAt(index);
      if (name !== '' && !FRAMING.includes(name)) {
        this.#text += `${name}: ${head.headers.valueAt(index)}\n`;
      }
    }
    if (head.upgrade !== '') this.#text += `for ${head.upgrade}\n`;
    this.#upstream?.sendRequestHead(head, endStream);
    this.#asksForTunnel = head.asksForTunnel;
    if (endStream || head.asksForTunnel) this.#complete();
  }

  onData(data: Buffer, endStream: boolean): void {
    // Nobody agreed: octets of a tunnel go nowhere.
    if (this.#asksForTunnel) return;
    this.#text += data.toString('latin1');
    this.#upstream?.sendData(data, endStream);
    if (endStream) this.#complete();
  }

  onTrailers(trailers: HeaderList): void {
    this.#text += `\n${trailers.toFieldLines()}`;
    this.#upstream?.sendTrailers(trailers);
    this.#complete();
  }

  onReset(): void {}
  onWritable(): void {}
  onClosed(): void {}

  onProtocolError(): void {
    this.#downstream?.sendResponseHead(new ResponseHead(400, HeaderList.empty()), true);
  }

  onStreamClosed(): void {}
  onConnectionDone(): void {}

  #complete(): void {
    this.requests.push(this.#text);
    this.wire += this.#sink.text;
    this.#downstream?.sendResponseHead(new ResponseHead(200, HeaderList.empty()), true);
  }
}

/** Forwards every complete request of `input`. */
export function forward(input: string, options: H1ServerOptions): Forwarded {
  const forwarder = new Forwarder();
  const codec = new H1ServerCodec(options, new RecordingSink(), forwarder);
  const bytes = Buffer.from(input, 'latin1');
  codec.onBytes(bytes, 0, bytes.length);
  return forwarder;
}
