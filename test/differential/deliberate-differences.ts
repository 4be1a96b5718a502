// Where Outrigger deliberately does not do what Envoy does, case by case of the differential tests.
// docs/differences.md says the same to users.

/** What both do, as `statuses ending; requests that reached the upstream`. */
export interface DeliberateDifference {
  readonly ours: string;
  readonly envoy: string;
}

interface Reason {
  readonly why: string;
  /** Ours and Envoy's by title of the case; one text where only bodies, fields or logs differ. */
  readonly cases: Readonly<Record<string, readonly [ours: string, envoy: string] | string>>;
}

const PASSES = '200 open; 1 upstream';
const KEPT_413 = ['413 open; 0 upstream', '413 closed; 0 upstream'] as const;
const REFUSES = '400 closed; 0 upstream';
const BAD_GATEWAY = '502 open; 1 upstream';
/** Of an upstream. */
const STRICT = [BAD_GATEWAY, PASSES] as const;
const STRICTER = [REFUSES, PASSES] as const;
/** By default, and where streams are reset instead of connections. */
const STRICTER_H2_CLOSES = ['GOAWAY closed; 0 upstream', PASSES] as const;
const STRICTER_H2_RESETS = ['- open; 0 upstream', PASSES] as const;

const REASONS: readonly Reason[] = [
  {
    why: 'A request that is there as a whole leaves its connection usable, also when the buffer filter refuses it.',
    cases: {
      '/ with 11 octets': KEPT_413,
      '/ in chunks of 5, 6': KEPT_413,
      '/small with 3 octets': KEPT_413,
      '/small with 10 octets': KEPT_413,
      '/small with 11 octets': KEPT_413,
      '/small in chunks of 10': KEPT_413,
      '/small in chunks of 5, 6': KEPT_413,
    },
  },
  {
    why: 'header_mutation leaves the encoding of query parameters to the client and encodes the names that it adds: a blank in a request line can be read in two ways (RFC 9112 §3). A request without host says so with an empty Host, and a response keeps its status.',
    cases: {
      'main: GET /query/if?z=%41%20x': PASSES,
      'main: GET /query/if?%c3%bc=%C3%BC': PASSES,
      'main: GET /query/key': PASSES,
      'main: GET /no-authority': PASSES,
      'main: GET /no-host': PASSES,
      'main: GET /answer-none': [PASSES, BAD_GATEWAY],
    },
  },
  {
    why: 'Only CRLF ends a line, and nothing in a start line is repaired: what two servers read in two ways, an attacker can use (RFC 9112 §2.2, §3).',
    cases: {
      'lines ended by LF': STRICTER,
      'a bare CR in a field': STRICTER,
      'obsolete line folding': STRICTER,
      'two blanks in the request line': STRICTER,
      'a tab in the request line': STRICTER,
      'a blank behind the version': STRICTER,
      'twenty empty lines before the request line': STRICTER,
    },
  },
  {
    why: 'Chunks are framed exactly (RFC 9112 §7.1).',
    cases: {
      'a chunk size with a blank behind it': STRICTER,
      'chunk data followed by LF only': STRICTER,
      // Content in front of the error is counted as received.
      'chunk data without CRLF behind it': REFUSES,
    },
  },
  {
    why: 'A message that once had two framings ends its connection (RFC 9112 §6.1).',
    cases: {
      'content-length and chunked where that is allowed': ['200 closed; 1 upstream', PASSES],
    },
  },
  {
    why: 'HTTP/1.0 knows neither transfer-encoding nor 1xx (RFC 9112 §6.1, RFC 9110 §15.2).',
    cases: {
      'HTTP/1.0 with transfer-encoding': [REFUSES, '200 closed; 1 upstream'],
      'HTTP/1.0 with expect': ['200 closed; 1 upstream', '100, 200 closed; 1 upstream'],
    },
  },
  {
    why: 'Exactly one Host, and a well-formed one (RFC 9112 §3.2).',
    cases: {
      'two Host lines': STRICTER,
      'two equal Host lines': STRICTER,
      'an empty Host': STRICTER,
      'Host a.test:': STRICTER,
      'Host a.test:99999': STRICTER,
      'Host a.test:abc': STRICTER,
      'Host u@a.test': STRICTER,
      'Host [::1': STRICTER,
      'absolute form with userinfo': STRICTER,
      'absolute form without Host': STRICTER,
    },
  },
  {
    why: 'Connection may not take away what makes a request (RFC 9110 §7.6.1).',
    cases: { 'main: a nominated Host': [PASSES, REFUSES] },
  },
  {
    why: 'The log names the request whose Connection field was refused.',
    cases: {
      'main: nominated x-forwarded-for': REFUSES,
      'main: nominated x-forwarded-host': REFUSES,
      'main: nominated x-forwarded-proto': REFUSES,
      'main: a nominated pseudo-field': REFUSES,
      'main: ten nominated': REFUSES,
      'main: a long te nominated': REFUSES,
    },
  },
  {
    why: 'An absolute-form target without path means the root (RFC 9110 §4.2.3).',
    cases: { 'absolute form with a query only': [PASSES, '404 open; 0 upstream'] },
  },
  {
    why: 'A wrong version is 505, no version 400, a later minor version is 1.1 (RFC 9110 §2.5).',
    cases: {
      'no version': [REFUSES, '426 closed; 0 upstream'],
      'version 2.0': ['505 closed; 0 upstream', '426 closed; 0 upstream'],
      'version 0.9': ['505 closed; 0 upstream', '426 closed; 0 upstream'],
      'version 1.2': [PASSES, '426 closed; 0 upstream'],
    },
  },
  {
    why: 'M-SEARCH is a registered method of long standing; one beyond 64 octets is 501.',
    cases: {
      'M-SEARCH without content': [PASSES, REFUSES],
      'a very long method': ['501 closed; 0 upstream', REFUSES],
    },
  },
  {
    why: 'An expectation that nobody will meet is refused (RFC 9110 §10.1.1).',
    cases: { 'another expectation': ['417 closed; 0 upstream', PASSES] },
  },
  {
    why: 'What an upstream sends is read as strictly as what a client sends.',
    cases: {
      'HTTP/1.0 with chunks': STRICT,
      'no reason and no blank': STRICT,
      'HTTP/2.0': STRICT,
      'two blanks in the status line': STRICT,
      'status 99': [BAD_GATEWAY, '99 open; 1 upstream'],
      'status 000': [BAD_GATEWAY, '0 open; 1 upstream'],
      'a status of two digits': [BAD_GATEWAY, '20 open; 1 upstream'],
      'a status of four digits': [BAD_GATEWAY, '2000 open; 1 upstream'],
      folding: STRICT,
      'LF only': STRICT,
      'a bare CR in a value': STRICT,
      'chunk data without CRLF': ['200 cut; 1 upstream', PASSES],
      // Content in front of the error reaches the client.
      'a bad chunk behind a good one': '200 cut; 1 upstream',
    },
  },
  {
    why: 'Content without length is complete when its connection is ended, not when it is reset (RFC 9112 §8).',
    cases: { 'no length, then reset': ['200 cut; 1 upstream', PASSES] },
  },
  {
    why: 'A 101 that nobody asked for would open a tunnel; an answer of 1xx alone is none.',
    cases: {
      'main: 101 unasked': [BAD_GATEWAY, '101 stuck; 1 upstream'],
      'continue: 101 unasked': [BAD_GATEWAY, '101 stuck; 1 upstream'],
      'only 100, then fin': [BAD_GATEWAY, '503 open; 1 upstream'],
    },
  },
  {
    why: 'Every 1xx is passed on, with its name (RFC 9110 §15.2).',
    cases: {
      'continue: several first': ['100, 103, 200 open; 1 upstream', '100, 200 open; 1 upstream'],
      'continue: 102 first': '102, 200 open; 1 upstream',
      'continue: 103 first': '103, 200 open; 1 upstream',
      'continue: 104 first': '104, 200 open; 1 upstream',
    },
  },
  {
    why: 'What no client takes for a body is not sent: it would be read as the next response.',
    cases: {
      'a body for 204': ['204 open; 0 upstream', '204, 200 open; 0 upstream'],
      'a body for 304': ['304 open; 0 upstream', '304, 200 open; 0 upstream'],
    },
  },
  {
    why: 'Pipelined requests wait instead of being too many: one is served at a time.',
    cases: {
      'local replies pipelined': [
        '404, 200, 301, 404 open; 0 upstream',
        '404, 200 closed; 0 upstream',
      ],
    },
  },
  {
    why: 'Trailers obey the rules and limits of heads, and carry no framing (RFC 9110 §6.5.1).',
    cases: {
      'trailers over the limit': ['431 closed; 0 upstream', PASSES],
      'forbidden trailers where trailers are enabled': PASSES,
    },
  },
  {
    why: '204 and 304 have no content: what followed would be read as the next response (RFC 9112 §6.3).',
    cases: {
      'main: GET /direct/to-204': ['204 open; 0 upstream', '204, HTTP/1.1 open; 0 upstream'],
      'main: GET /direct/to-304': ['304 open; 0 upstream', '304, HTTP/1.1 open; 0 upstream'],
    },
  },
  {
    why: 'grpc-timeout is one to eight digits and a unit (gRPC over HTTP/2, Requests).',
    cases: {
      '/header/any with +5S': PASSES,
      '/header/any with 000000005S': PASSES,
      '/header/any with 5 S': PASSES,
    },
  },
  {
    why: 'A gRPC-Web answer as text ends when the upstream’s does, also without trailers.',
    cases: { 'web: no trailers, as text': ['200 open; 1 upstream', '200 stuck; 1 upstream'] },
  },
  {
    why: 'Connection options other than the upgrade belong to the last hop (RFC 9110 §7.6.1).',
    cases: { 'an upgrade among other options': '101, from left; 1 upstream' },
  },
  {
    why: 'Nobody may switch before a request is complete, and no two servers agree on where an upgrade with content ends (RFC 9110 §7.8).',
    cases: { 'an allowed upgrade with content': ['400 closed; 0 upstream', ' stuck; 1 upstream'] },
  },
  {
    why: 'A refused upgrade in HTTP/2 is no reason to end the connection of other streams.',
    cases: {
      'extended CONNECT: forbidden by the route': [
        '403 open; 0 upstream',
        '403, GOAWAY open; 0 upstream',
      ],
    },
  },
  {
    why: 'CONNECT_ERROR says that an open tunnel broke (RFC 9113 §8.5); a complete response ends with NO_ERROR (§8.1).',
    cases: { 'extended CONNECT: where no host answers': '503 open; 0 upstream' },
  },
  {
    why: 'A 101 names what it switches to (RFC 9110 §15.2.2).',
    cases: {
      'WebSocket answered 101 without Upgrade': [
        '502 closed; 1 upstream',
        '101 closed; 1 upstream',
      ],
    },
  },
  {
    why: 'A 2xx to CONNECT says nothing of content: what follows are octets (RFC 9110 §9.3.6).',
    cases: {
      'CONNECT: 200 with content-length': ['200 left; 1 upstream', '200, from left; 1 upstream'],
    },
  },
  {
    why: 'HTTP/2 heads are read as strictly as those of HTTP/1.1 (RFC 9110 §7.2, RFC 9113 §8.2.1, §8.3.1).',
    cases: {
      'HTTP/2: another Host beside :authority': STRICTER_H2_CLOSES,
      'HTTP/2, streams: another Host beside :authority': STRICTER_H2_RESETS,
      'HTTP/2: :authority a:99999': STRICTER_H2_CLOSES,
      'HTTP/2, streams: :authority a:99999': STRICTER_H2_RESETS,
      'HTTP/2: :authority a:': STRICTER_H2_CLOSES,
      'HTTP/2, streams: :authority a:': STRICTER_H2_RESETS,
      'HTTP/2: :authority [::1': STRICTER_H2_CLOSES,
      'HTTP/2, streams: :authority [::1': STRICTER_H2_RESETS,
      'HTTP/2: octets above 0x7f in :path': STRICTER_H2_CLOSES,
      'HTTP/2, streams: octets above 0x7f in :path': STRICTER_H2_RESETS,
      'HTTP/2: a blank in front of a value': STRICTER_H2_CLOSES,
      'HTTP/2, streams: a blank in front of a value': STRICTER_H2_RESETS,
      'HTTP/2: a blank behind a value': STRICTER_H2_CLOSES,
      'HTTP/2, streams: a blank behind a value': STRICTER_H2_RESETS,
      'HTTP/2: a tab in front of a value': STRICTER_H2_CLOSES,
      'HTTP/2, streams: a tab in front of a value': STRICTER_H2_RESETS,
      'HTTP/2: CONNECT without a port': ['GOAWAY closed; 0 upstream', '404 open; 0 upstream'],
      'HTTP/2, streams: CONNECT without a port': ['- open; 0 upstream', '404 open; 0 upstream'],
    },
  },
  {
    why: 'http2-settings belongs to the hop (RFC 9113 §8.2.2 with RFC 7540 §3.2.1).',
    cases: {
      'HTTP/2: http2-settings': PASSES,
      'HTTP/2, streams: http2-settings': PASSES,
    },
  },
  {
    why: 'A status below 100 is none, over HTTP/2 as over HTTP/1.1.',
    cases: { 'upstream: :status 099': [BAD_GATEWAY, '099 open; 1 upstream'] },
  },
  {
    why: 'A request that a leaving upstream never looked at is sent anew (RFC 9113 §6.8).',
    cases: {
      'upstream: GOAWAY that drops the request': ['503 open; 4 upstream', '503 open; 1 upstream'],
    },
  },
  {
    why: 'A reset by NO_ERROR is a reset, and the log says so.',
    cases: { 'client: reset by NO_ERROR of a complete request': ' open; 1 upstream' },
  },
  {
    why: 'Half of a content is never passed off as all of it: decompression that fails ends the exchange.',
    cases: {
      'decompressor: something behind the end': ['200 cut; 1 upstream', '200 closed; 1 upstream'],
      'decompressor: no gzip': ['200 cut; 1 upstream', '200 closed; 1 upstream'],
      'decompressor: a part': ['200 cut; 1 upstream', '200 closed; 1 upstream'],
      'decompressor: a bomb': ['200 cut; 1 upstream', '200 closed; 1 upstream'],
      'decompressor: a request that is no gzip': [
        '400 closed; 0 upstream',
        '200 closed; 1 upstream',
      ],
    },
  },
  {
    why: 'Envoy names trailers after the first decompressor that it ever made, whichever it is.',
    cases: { 'brotli, behind gzip': '200 closed; 1 upstream' },
  },
];

/** By title of the case. */
export const DELIBERATE_DIFFERENCES: ReadonlyMap<string, DeliberateDifference> = new Map(
  REASONS.flatMap(({ cases }) =>
    Object.entries(cases).map(([title, both]) => {
      const [ours, envoy] = typeof both === 'string' ? [both, both] : both;
      return [title, { ours, envoy }] as const;
    }),
  ),
);
