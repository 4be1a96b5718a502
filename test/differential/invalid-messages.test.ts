// stream_error_on_invalid_http_message and its overrides: what becomes of a connection on which an
// invalid request came.
import t from 'tap';
import { withoutEnvoy } from '../support/with-envoy.ts';
import type { TwinCase } from '../support/with-twins.ts';
import { withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';
import { COMPARED_LOG } from './http-log-format.ts';

const HOST = 'Host: a.test\r\n';

/** Requests that the connection manager refuses, and some that the codec already does. */
const REQUESTS: Readonly<Record<string, string>> = {
  'a request without Host': 'GET / HTTP/1.1\r\n\r\n',
  'a fragment in the path': `GET /a#b HTTP/1.1\r\n${HOST}\r\n`,
  'a path that cannot be normalized': `GET /%00 HTTP/1.1\r\n${HOST}\r\n`,
  'QUERY without content': `QUERY /q HTTP/1.1\r\n${HOST}\r\n`,
  'a request line that is none': `GE T / HTTP/1.1\r\n${HOST}\r\n`,
  'a field without colon': `GET / HTTP/1.1\r\n${HOST}nonsense\r\n\r\n`,
  'two framings': `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'a name with an underscore': `GET / HTTP/1.1\r\n${HOST}a_b: 1\r\n\r\n`,
};

const CASES: readonly TwinCase[] = ['strict', 'forgiving', 'overridden', 'own'].flatMap(
  (listener) =>
    Object.entries(REQUESTS).map(([name, send]) => ({
      title: `${listener}: ${name}`,
      listener,
      send,
      methods: [/^[A-Z]+/.exec(send)?.[0] ?? 'GET'],
    })),
);

function listener(streamError: boolean, override: boolean | null) {
  const own = override === null ? {} : { override_stream_error_on_invalid_http_message: override };
  return {
    hcm: {
      stream_error_on_invalid_http_message: streamError,
      http_protocol_options: own,
      common_http_protocol_options: { headers_with_underscores_action: 'REJECT_REQUEST' },
      normalize_path: true,
    },
  };
}

t.test('connections go on, or do not, as with Envoy', { skip: withoutEnvoy }, async (t) => {
  await withTwins(
    {
      log: COMPARED_LOG,
      listeners: {
        strict: listener(false, null),
        forgiving: listener(true, null),
        overridden: listener(true, false),
        own: listener(false, true),
      },
    },
    (twins) => compareCases(t, twins, CASES),
  );
});
