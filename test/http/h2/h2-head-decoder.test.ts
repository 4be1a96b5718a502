import t from 'tap';
import { H2HeadDecoder, type H2Side } from '../../../proxy/http/h2/h2-head-decoder.ts';
import { H2_HEAD_ERROR } from '../../../proxy/http/h2/head-errors.ts';
import { DEFAULT_H2_PROTOCOL_OPTIONS, type H2Options } from '../../../proxy/http/h2/options.ts';
import { HeaderList } from '../../../proxy/http/header-list.ts';
import { HEADER_ID } from '../../../proxy/http/header-names.ts';
import { HPACK_ERROR } from '../../../proxy/http/hpack/errors.ts';
import { RequestHead, ResponseHead } from '../../../proxy/http/message.ts';
import type { ProtocolError } from '../../../proxy/http/protocol-error.ts';
import { hex, literalBlock } from '../../support/field-blocks.ts';

const OPTIONS: H2Options = {
  protocol: { ...DEFAULT_H2_PROTOCOL_OPTIONS, allowConnect: true },
  maxHeadBytes: 61_440,
  maxHeadersCount: 100,
  headersWithUnderscores: 'allow',
};
const TARGET = [':method=GET', ':scheme=http', ':path=/', ':authority=h.test'];

/** `name=value`, only the first `=` parts them. */
function block(fields: readonly string[], flags = 0): Buffer {
  return literalBlock(
    fields.map((field) => {
      const at = field.indexOf('=');
      return [field.slice(0, at), field.slice(at + 1)];
    }),
    flags,
  );
}

function decoderOf(options: Partial<H2Options> = {}, side: H2Side = 'server'): H2HeadDecoder {
  return new H2HeadDecoder({ ...OPTIONS, ...options }, side);
}

function feed(decoder: H2HeadDecoder, octets: Buffer): H2HeadDecoder {
  const error = decoder.decode(octets, 0, octets.length);
  if (error !== null) throw new Error(error.reason);
  return decoder;
}

function request(fields: readonly string[], options: Partial<H2Options> = {}): RequestHead {
  const head = feed(decoderOf(options), block(fields)).takeRequest();
  if (!(head instanceof RequestHead)) throw new Error(head.reason);
  return head;
}

function response(fields: readonly string[]): ResponseHead {
  const head = feed(decoderOf({}, 'client'), block(fields)).takeResponse();
  if (!(head instanceof ResponseHead)) throw new Error(head.reason);
  return head;
}

function requestError(fields: readonly string[], options: Partial<H2Options> = {}): unknown {
  return feed(decoderOf(options), block(fields)).takeRequest();
}

t.test('a request has its pseudo-fields as members, its fields as HTTP/1.1 lines', async (t) => {
  const head = request([...TARGET, 'user-agent=test', 'x-own=a', 'empty=', 'accept=*/*']);
  t.equal(head.protocol, 'HTTP/2');
  t.same(
    [head.method, head.scheme, head.path, head.authority, head.upgrade],
    ['GET', 'http', '/', 'h.test', ''],
  );
  t.equal(
    head.headers.toFieldLines(),
    'user-agent: test\r\nx-own: a\r\nempty: \r\naccept: */*\r\n',
  );
  t.equal(head.headers.get(HEADER_ID['user-agent']), 'test');
  t.equal(head.headers.getByName('x-own'), 'a');
  t.ok(head.headers.mayHave(HEADER_ID.accept));
  t.notOk(head.headers.mayHave(HEADER_ID.cookie));
});

t.test('untouched lines leave as one slice of what was decoded', async (t) => {
  const { headers } = request([...TARGET, 'a=1', 'b=2', 'te=trailers', 'c=3']);
  t.equal(headers.text, headers.toFieldLines());
  headers.removeKnown(HEADER_ID.te);
  t.equal(headers.toFieldLines(), 'a: 1\r\nb: 2\r\nc: 3\r\n');
});

const GOOD_REQUESTS: readonly (readonly [string, readonly string[]])[] = [
  ['a method of its own', [':method=FOO', ...TARGET.slice(1)]],
  ['pseudo-fields in any order', [...TARGET].reverse()],
  ['OPTIONS *', [':method=OPTIONS', ':scheme=http', ':path=*', ':authority=h']],
  ['another scheme', [':method=GET', ':scheme=ftp', ':path=/', ':authority=h']],
  ['an IPv6 authority', [':method=GET', ':scheme=http', ':path=/', ':authority=[::1]:80']],
  ['a tab inside a value', [...TARGET, 'x=a\tb']],
  ['obs-text in a value', [...TARGET, 'x=\x80\xff']],
  ['te: trailers', [...TARGET, 'te=trailers']],
  ['host beside the same :authority', [...TARGET, 'host=H.test']],
  [
    'a fragment, which the connection manager judges',
    [...TARGET.slice(0, 2), ':path=/a#b', TARGET[3] as string],
  ],
];

for (const [name, fields] of GOOD_REQUESTS) {
  t.test(`takes ${name}`, async (t) => t.type(requestError(fields), RequestHead));
}

const BAD_REQUESTS: readonly (readonly [string, readonly string[], ProtocolError])[] = [
  ['no :method', TARGET.slice(1), H2_HEAD_ERROR.missingPseudo],
  ['no :scheme', [':method=GET', ':path=/', ':authority=h'], H2_HEAD_ERROR.missingPseudo],
  ['no :path', [':method=GET', ':scheme=http', ':authority=h'], H2_HEAD_ERROR.missingPseudo],
  ['nothing', [], H2_HEAD_ERROR.missingPseudo],
  ['neither :authority nor host', TARGET.slice(0, 3), H2_HEAD_ERROR.missingAuthority],
  ['a second :method', [...TARGET, ':method=GET'], H2_HEAD_ERROR.repeatedPseudo],
  ['a second :path', [':path=/', ...TARGET], H2_HEAD_ERROR.repeatedPseudo],
  ['an unknown pseudo-field', [':foo=bar', ...TARGET], H2_HEAD_ERROR.unknownPseudo],
  ['a bare colon', [':=bar', ...TARGET], H2_HEAD_ERROR.unknownPseudo],
  ['an upper-case pseudo-field', [':Method=GET', ...TARGET], H2_HEAD_ERROR.unknownPseudo],
  [':status', [...TARGET, ':status=200'], H2_HEAD_ERROR.unknownPseudo],
  [
    'a pseudo-field behind a field',
    [...TARGET.slice(0, 3), 'a=b', ':authority=h'],
    H2_HEAD_ERROR.latePseudo,
  ],
  ['a pseudo-field behind a cookie', ['cookie=', ...TARGET], H2_HEAD_ERROR.latePseudo],
  ['a pseudo-field behind host', ['host=h.test', ...TARGET], H2_HEAD_ERROR.latePseudo],
  ['an empty method', [':method=', ...TARGET.slice(1)], H2_HEAD_ERROR.pseudoValue],
  ['a method with a blank', [':method=G T', ...TARGET.slice(1)], H2_HEAD_ERROR.pseudoValue],
  [
    'an empty path',
    [':method=GET', ':scheme=http', ':path=', ':authority=h'],
    H2_HEAD_ERROR.pseudoValue,
  ],
  [
    'a path with a blank',
    [':method=GET', ':scheme=http', ':path=/a b', ':authority=h'],
    H2_HEAD_ERROR.pseudoValue,
  ],
  [
    'a path with CR LF',
    [':method=GET', ':scheme=http', ':path=/\r\nx: y', ':authority=h'],
    H2_HEAD_ERROR.pseudoValue,
  ],
  [
    'a path with NUL',
    [':method=GET', ':scheme=http', ':path=/\0', ':authority=h'],
    H2_HEAD_ERROR.pseudoValue,
  ],
  [
    'a path outside ASCII',
    [':method=GET', ':scheme=http', ':path=/\xe9', ':authority=h'],
    H2_HEAD_ERROR.pseudoValue,
  ],
  [
    'a path without slash',
    [':method=GET', ':scheme=http', ':path=a', ':authority=h'],
    H2_HEAD_ERROR.path,
  ],
  [
    'absolute-form',
    [':method=GET', ':scheme=http', ':path=http://h/', ':authority=h'],
    H2_HEAD_ERROR.path,
  ],
  ['GET *', [':method=GET', ':scheme=http', ':path=*', ':authority=h'], H2_HEAD_ERROR.path],
  [
    'OPTIONS *a',
    [':method=OPTIONS', ':scheme=http', ':path=*a', ':authority=h'],
    H2_HEAD_ERROR.path,
  ],
  [
    'a scheme with a slash',
    [':method=GET', ':scheme=http/', ':path=/', ':authority=h'],
    H2_HEAD_ERROR.pseudoValue,
  ],
  [
    'an empty scheme',
    [':method=GET', ':scheme=', ':path=/', ':authority=h'],
    H2_HEAD_ERROR.pseudoValue,
  ],
  ['an empty authority', [...TARGET.slice(0, 3), ':authority='], H2_HEAD_ERROR.pseudoValue],
  ['userinfo', [...TARGET.slice(0, 3), ':authority=u@h'], H2_HEAD_ERROR.pseudoValue],
  ['a path in the authority', [...TARGET.slice(0, 3), ':authority=h/x'], H2_HEAD_ERROR.pseudoValue],
  ['an impossible port', [...TARGET.slice(0, 3), ':authority=h:65536'], H2_HEAD_ERROR.pseudoValue],
  ['an upper-case name', [...TARGET, 'X-a=b'], H2_HEAD_ERROR.name],
  ['an empty name', [...TARGET, '=b'], H2_HEAD_ERROR.name],
  ['a name with a blank', [...TARGET, 'a b=c'], H2_HEAD_ERROR.name],
  ['a name with a colon', [...TARGET, 'a:b=c'], H2_HEAD_ERROR.name],
  ['a name outside ASCII', [...TARGET, 'a\xe9=c'], H2_HEAD_ERROR.name],
  ['NUL in a value', [...TARGET, 'x=a\0b'], H2_HEAD_ERROR.value],
  ['CR in a value', [...TARGET, 'x=a\rb'], H2_HEAD_ERROR.value],
  ['LF in a value', [...TARGET, 'x=a\nb: c'], H2_HEAD_ERROR.value],
  ['a control in a value', [...TARGET, 'x=a\x01'], H2_HEAD_ERROR.value],
  ['DEL in a value', [...TARGET, 'x=\x7f'], H2_HEAD_ERROR.value],
  ['a blank before a value', [...TARGET, 'x= a'], H2_HEAD_ERROR.value],
  ['a tab behind a value', [...TARGET, 'x=a\t'], H2_HEAD_ERROR.value],
  ['a value of one blank', [...TARGET, 'x= '], H2_HEAD_ERROR.value],
  ['LF in a cookie', [...TARGET, 'cookie=a\nb'], H2_HEAD_ERROR.value],
  ['connection', [...TARGET, 'connection=close'], H2_HEAD_ERROR.connectionField],
  ['keep-alive', [...TARGET, 'keep-alive=1'], H2_HEAD_ERROR.connectionField],
  ['proxy-connection', [...TARGET, 'proxy-connection=x'], H2_HEAD_ERROR.connectionField],
  ['transfer-encoding', [...TARGET, 'transfer-encoding=chunked'], H2_HEAD_ERROR.connectionField],
  ['upgrade', [...TARGET, 'upgrade=websocket'], H2_HEAD_ERROR.connectionField],
  ['te: gzip', [...TARGET, 'te=gzip'], H2_HEAD_ERROR.te],
  ['te: trailers, gzip', [...TARGET, 'te=trailers, gzip'], H2_HEAD_ERROR.te],
  ['an invalid host', [...TARGET, 'host=a b'], H2_HEAD_ERROR.host],
  ['two hosts', [...TARGET.slice(0, 3), 'host=h', 'host=h'], H2_HEAD_ERROR.host],
  ['a host that contradicts', [...TARGET, 'host=other.test'], H2_HEAD_ERROR.hostContradicts],
  [
    'a content-length that is no number',
    [...TARGET, 'content-length=x'],
    H2_HEAD_ERROR.contentLength,
  ],
  ['a signed content-length', [...TARGET, 'content-length=+1'], H2_HEAD_ERROR.contentLength],
  ['an empty content-length', [...TARGET, 'content-length='], H2_HEAD_ERROR.contentLength],
  ['a list of lengths', [...TARGET, 'content-length=1,1'], H2_HEAD_ERROR.contentLength],
  [
    'a huge content-length',
    [...TARGET, 'content-length=9007199254740992'],
    H2_HEAD_ERROR.contentLength,
  ],
  [
    'two equal lengths',
    [...TARGET, 'content-length=1', 'content-length=1'],
    H2_HEAD_ERROR.contentLength,
  ],
  ['CONNECT with a path', [':method=CONNECT', ':path=/', ':authority=h:1'], H2_HEAD_ERROR.connect],
  [
    'CONNECT with a scheme',
    [':method=CONNECT', ':scheme=http', ':authority=h:1'],
    H2_HEAD_ERROR.connect,
  ],
  ['CONNECT without authority', [':method=CONNECT'], H2_HEAD_ERROR.connect],
  ['CONNECT with host alone', [':method=CONNECT', 'host=h:1'], H2_HEAD_ERROR.connect],
  ['CONNECT without port', [':method=CONNECT', ':authority=h'], H2_HEAD_ERROR.connect],
  [':protocol beside GET', [':protocol=websocket', ...TARGET], H2_HEAD_ERROR.protocol],
  [
    ':protocol without path',
    [':method=CONNECT', ':protocol=websocket', ':scheme=http', ':authority=h'],
    H2_HEAD_ERROR.protocol,
  ],
  [
    ':protocol without authority',
    [':method=CONNECT', ':protocol=websocket', ':scheme=http', ':path=/'],
    H2_HEAD_ERROR.protocol,
  ],
  [
    ':protocol with *',
    [':method=CONNECT', ':protocol=websocket', ':scheme=http', ':path=*', ':authority=h'],
    H2_HEAD_ERROR.protocol,
  ],
  [
    'an empty :protocol',
    [':method=CONNECT', ':protocol=', ':scheme=http', ':path=/', ':authority=h'],
    H2_HEAD_ERROR.pseudoValue,
  ],
];

for (const [name, fields, error] of BAD_REQUESTS) {
  t.test(`refuses ${name}`, async (t) => {
    t.equal(requestError(fields), error);
    t.equal(error.scope, 'stream');
    const decoder = decoderOf();
    feed(decoder, block(fields, 0x40)).takeRequest();
    t.equal(feed(decoder, block(fields, 0x40)).takeRequest(), error, 'from the table too');
    // The connection lives on.
    t.type(feed(decoder, block(TARGET)).takeRequest(), RequestHead);
  });
}

t.test('host alone is the authority, and no field', async (t) => {
  const head = request([...TARGET.slice(0, 3), 'a=b', 'host=only.test:8080', 'c=d']);
  t.equal(head.authority, 'only.test:8080');
  t.equal(head.headers.toFieldLines(), 'a: b\r\nc: d\r\n');
  t.equal(request([...TARGET, 'host=h.test']).headers.toFieldLines(), '');
});

t.test('several cookies are one field', async (t) => {
  const { headers } = request([...TARGET, 'cookie=a=1', 'x=y', 'cookie=b=2', 'cookie=c=3']);
  t.equal(headers.get(HEADER_ID.cookie), 'a=1; b=2; c=3');
  t.equal(headers.countKnown(HEADER_ID.cookie), 1);
  t.equal(headers.toFieldLines(), 'x: y\r\ncookie: a=1; b=2; c=3\r\n');
});

t.test('fields that Envoy takes for one are joined', async (t) => {
  const { headers } = request([...TARGET, 'x-forwarded-for=a', 'x-forwarded-for=b', 'x=1', 'x=2']);
  t.equal(headers.get(HEADER_ID['x-forwarded-for']), 'a,b');
  t.same(headers.values('x'), ['1', '2']);
});

t.test('content-length is told, and stays', async (t) => {
  const decoder = feed(decoderOf(), block([...TARGET, 'content-length=42']));
  t.equal(decoder.contentLength, 42);
  t.equal((decoder.takeRequest() as RequestHead).headers.toFieldLines(), 'content-length: 42\r\n');
  feed(decoder, block(TARGET));
  t.equal(decoder.contentLength, -1);
});

t.test('CONNECT has an authority and neither scheme nor path', async (t) => {
  const head = request([':method=CONNECT', ':authority=h.test:443', 'x=y']);
  t.same([head.method, head.authority, head.path, head.scheme], ['CONNECT', 'h.test:443', '', '']);
  t.ok(head.asksForTunnel);
});

const EXTENDED = [
  ':method=CONNECT',
  ':protocol=WebSocket',
  ':scheme=https',
  ':path=/chat?x=1',
  ':authority=h.test',
];

t.test('extended CONNECT is an upgrade request', async (t) => {
  const head = request([...EXTENDED, 'sec-websocket-version=13']);
  t.same(
    [head.method, head.scheme, head.path, head.authority, head.upgrade],
    ['GET', 'https', '/chat?x=1', 'h.test', 'websocket'],
  );
  t.equal(head.headers.get(HEADER_ID.connection), 'upgrade');
  t.equal(head.headers.get(HEADER_ID.upgrade), 'websocket');
  t.equal(head.headers.getByName('sec-websocket-version'), '13');
});

t.test('extended CONNECT is for servers that allow it', async (t) => {
  const protocol = { ...OPTIONS.protocol, allowConnect: false };
  t.equal(requestError(EXTENDED, { protocol }), H2_HEAD_ERROR.unknownPseudo);
});

t.test('a response has a status', async (t) => {
  const head = response([':status=404', 'server=s', 'set-cookie=a', 'set-cookie=b']);
  t.equal(head.status, 404);
  t.same(head.headers.values('set-cookie'), ['a', 'b']);
  for (const status of [100, 103, 200, 204, 304, 599, 999]) {
    t.equal(response([`:status=${status}`]).status, status);
  }
});

const BAD_RESPONSES: readonly (readonly [string, readonly string[], ProtocolError])[] = [
  ['no :status', ['a=b'], H2_HEAD_ERROR.missingPseudo],
  ['two', [':status=200', ':status=200'], H2_HEAD_ERROR.repeatedPseudo],
  ['two digits', [':status=20'], H2_HEAD_ERROR.pseudoValue],
  ['four digits', [':status=2000'], H2_HEAD_ERROR.pseudoValue],
  ['a leading zero', [':status=099'], H2_HEAD_ERROR.pseudoValue],
  ['a sign', [':status=+20'], H2_HEAD_ERROR.pseudoValue],
  ['101', [':status=101'], H2_HEAD_ERROR.status],
  [':method', [':status=200', ':method=GET'], H2_HEAD_ERROR.unknownPseudo],
  ['a late :status', ['a=b', ':status=200'], H2_HEAD_ERROR.latePseudo],
  ['connection', [':status=200', 'connection=close'], H2_HEAD_ERROR.connectionField],
  ['content in 204', [':status=204', 'content-length=1'], H2_HEAD_ERROR.bodyless],
  ['content in 103', [':status=103', 'content-length=1'], H2_HEAD_ERROR.bodyless],
];

for (const [name, fields, error] of BAD_RESPONSES) {
  t.test(`refuses a response with ${name}`, async (t) => {
    t.equal(feed(decoderOf({}, 'client'), block(fields)).takeResponse(), error);
  });
}

t.test('a 204 says nothing of its length', async (t) => {
  t.equal(response([':status=204', 'content-length=0']).headers.toFieldLines(), '');
});

t.test('trailers are fields, without those that must not come late', async (t) => {
  const trailers = feed(
    decoderOf(),
    block(['grpc-status=0', 'content-length=5', 'authorization=x', 'grpc-message=ok', 'host=h']),
  ).takeTrailers();
  t.type(trailers, HeaderList);
  t.equal((trailers as HeaderList).toFieldLines(), 'grpc-status: 0\r\ngrpc-message: ok\r\n');
});

t.test('refuses pseudo-fields and connection fields in trailers', async (t) => {
  const error = (field: string): unknown => feed(decoderOf(), block([field])).takeTrailers();
  t.equal(error(':path=/'), H2_HEAD_ERROR.trailerPseudo);
  t.equal(error(':status=200'), H2_HEAD_ERROR.trailerPseudo);
  t.equal(error('connection=close'), H2_HEAD_ERROR.connectionField);
  t.equal(error('A=b'), H2_HEAD_ERROR.name);
});

t.test('names with underscores are allowed, refused or dropped', async (t) => {
  const fields = [...TARGET, 'x_own=1', 'y=2'];
  t.equal(request(fields).headers.toFieldLines(), 'x_own: 1\r\ny: 2\r\n');
  const refused = requestError(fields, { headersWithUnderscores: 'reject' });
  t.equal(refused, H2_HEAD_ERROR.underscore);
  t.equal(H2_HEAD_ERROR.underscore.details, 'http2.unexpected_underscore');
  const decoder = decoderOf({ headersWithUnderscores: 'drop' });
  for (let run = 1; run <= 3; run += 1) {
    feed(decoder, block(fields));
    t.equal(decoder.droppedHeadersWithUnderscores, run);
    t.equal((decoder.takeRequest() as RequestHead).headers.toFieldLines(), 'y: 2\r\n');
  }
});

t.test('a head may have as many octets and fields as the limits say, and no more', async (t) => {
  const octets = TARGET.join('').length - TARGET.length;
  const many = Array.from({ length: 6 }, (_, at) => `x${at}=y`);
  const fit = { maxHeadBytes: octets + 18, maxHeadersCount: 10 };
  t.type(requestError([...TARGET, ...many], fit), RequestHead);
  const large = requestError([...TARGET, ...many], { ...fit, maxHeadBytes: octets + 17 });
  t.equal(large, H2_HEAD_ERROR.tooLarge);
  const tooMany = requestError([...TARGET, ...many], { ...fit, maxHeadersCount: 9 });
  t.equal(tooMany, H2_HEAD_ERROR.tooMany);
  t.equal(H2_HEAD_ERROR.tooLarge.details, 'http2.header_list_size_too_large');
  t.equal(H2_HEAD_ERROR.tooMany.details, 'http2.too_many_headers');
});

t.test('counts header octets as Envoy does', async (t) => {
  const decoder = feed(decoderOf(), block([':status=200', 'ab=cde']));
  t.equal(decoder.fieldOctets, 10 + 3 + 5 + 3);
});

t.test('a block that is no HPACK is the end of the connection', async (t) => {
  t.equal(decoderOf().decode(hex('80'), 0, 1), HPACK_ERROR.index);
});

t.test('the same block means the same, as long as the table does', async (t) => {
  const decoder = decoderOf();
  feed(decoder, block([':authority=one.test'], 0x40));
  const octets = hex('82 86 84 be');
  for (let run = 0; run < 3; run += 1) {
    const head = feed(decoder, octets).takeRequest() as RequestHead;
    t.equal(head.authority, 'one.test');
    head.headers.add('added', 'later');
    t.equal(head.headers.count(), 1, 'each head has a list of its own');
  }
  feed(decoder, block([':authority=two.test'], 0x40));
  t.equal((feed(decoder, octets).takeRequest() as RequestHead).authority, 'two.test');
});

t.test('remembered blocks do not share what is done to their heads', async (t) => {
  const decoder = decoderOf();
  const octets = block([...TARGET, 'a=1', 'te=trailers', 'b=2']);
  const first = feed(decoder, octets).takeRequest() as RequestHead;
  first.headers.removeKnown(HEADER_ID.te);
  first.path = '/other';
  const second = feed(decoder, octets).takeRequest() as RequestHead;
  t.equal(second.headers.toFieldLines(), 'a: 1\r\nte: trailers\r\nb: 2\r\n');
  t.equal(second.path, '/');
});

t.test('more different blocks than are remembered decode all the same', async (t) => {
  const decoder = decoderOf();
  for (let run = 0; run < 40; run += 1) {
    const head = feed(decoder, block([...TARGET, `x=${run % 7}`])).takeRequest() as RequestHead;
    t.equal(head.headers.getByName('x'), `${run % 7}`);
  }
});

t.test('a remembered block does not hide that a size update is due', async (t) => {
  const protocol = { ...OPTIONS.protocol, hpackTableSize: 0 };
  const decoder = decoderOf({ protocol });
  feed(decoder, hex('82 86 84'));
  decoder.settingsAcknowledged();
  t.equal(decoder.decode(hex('82 86 84'), 0, 3), HPACK_ERROR.missingSizeUpdate);
});
