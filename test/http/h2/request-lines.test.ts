// What HTTP/2 carries in fields is text between line ends in HTTP/1.1: whatever octets a client puts
// there, a request that passes has the lines of a harmless one, and its end where that has its end.
import t from 'tap';
import type { ClientCodecHandler } from '../../../proxy/http/codec.ts';
import { H1ClientCodec } from '../../../proxy/http/h1/client-codec.ts';
import { DEFAULT_H1_CLIENT_OPTIONS } from '../../../proxy/http/h1/options.ts';
import { H2HeadDecoder } from '../../../proxy/http/h2/h2-head-decoder.ts';
import { DEFAULT_H2_SERVER_OPTIONS } from '../../../proxy/http/h2/options.ts';
import { RequestHead } from '../../../proxy/http/message.ts';
import type { ResponseReceiver } from '../../../proxy/http/stream.ts';
import { literalBlock } from '../../support/field-blocks.ts';
import { ToldEvents } from '../../support/told-events.ts';

/** Where an octet goes: `*` stands for it. */
const PLACES: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'the method': head({ ':method': 'GE*T' }),
  'the end of the method': head({ ':method': 'GET*' }),
  'the scheme': head({ ':scheme': 'htt*p' }),
  'the path': head({ ':path': '/a*b' }),
  'the end of the path': head({ ':path': '/a*' }),
  'the query': head({ ':path': '/a?b*c' }),
  'the authority': head({ ':authority': 'h*.test' }),
  'the end of the authority': head({ ':authority': 'h.test*' }),
  'a name': head({ 'x-*a': 'b' }),
  'the beginning of a name': head({ '*x-a': 'b' }),
  'a value': head({ 'x-a': 'b*c' }),
  'the edges of a value': head({ 'x-a': '*b*' }),
  'host alone': [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    ['host', 'h.test*'],
    ['x-a', 'b'],
  ],
};

function head(changes: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  const isName = Object.keys(changes).some((name) => name.includes('*'));
  const fields = { ':method': 'GET', ':scheme': 'http', ':path': '/a', ':authority': 'h.test' };
  const field = isName ? {} : { 'x-a': 'b' };
  return Object.entries({ ...fields, ...field, ...changes });
}

class Upstream extends ToldEvents implements ClientCodecHandler, ResponseReceiver {
  readonly codec = new H1ClientCodec(DEFAULT_H1_CLIENT_OPTIONS, this.sink, this);

  onResponseHead(): void {
    this.events.push('head');
  }

  onCapacityChanged(): void {
    this.events.push('capacity');
  }
}

/** What leaves for an upstream of HTTP/1.1; null: the request is refused. */
function sentFor(fields: readonly (readonly [string, string])[]): string | null {
  const decoder = new H2HeadDecoder(DEFAULT_H2_SERVER_OPTIONS, 'server');
  const block = literalBlock(fields);
  if (decoder.decode(block, 0, block.length) !== null) return null;
  const request = decoder.takeRequest();
  if (!(request instanceof RequestHead)) return null;
  const upstream = new Upstream();
  upstream.codec.openStream(upstream).sendRequestHead(request, true);
  return upstream.wire();
}

const HARMLESS =
  /^[!-~]+ \/[!-~]* HTTP\/1\.1\r\nhost: [!-~]*\r\n[!-9;-~]+:[^\r\n\0]*\r\n(content-length: 0\r\n)?\r\n$/;

t.test('no octet anywhere in a head adds a line, an end or a second request', async (t) => {
  for (const [place, fields] of Object.entries(PLACES)) {
    let passed = 0;
    for (let octet = 0; octet < 256; octet += 1) {
      const put = (text: string): string => text.replaceAll('*', String.fromCharCode(octet));
      const sent = sentFor(fields.map(([name, value]) => [put(name), put(value)] as const));
      if (sent === null || sent === '') continue;
      passed += 1;
      if (!HARMLESS.test(sent)) t.fail(`${place}, octet ${octet}: ${JSON.stringify(sent)}`);
    }
    t.ok(passed > 0, `${place}: ${passed} pass`);
  }
});
