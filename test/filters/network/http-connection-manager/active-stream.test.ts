import t from 'tap';
import type { ResetReason } from '../../../../proxy/http/stream.ts';
import { HcmRig } from '../../../support/hcm-rig.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

type Members = ConstructorParameters<typeof HcmRig>[0];

function http2(members: Members = {}): HcmRig {
  const rig = new HcmRig(members);
  rig.connection.receive(PREFACE);
  return rig;
}

t.test('the log says why a stream was given up', async (t) => {
  const cases: readonly (readonly [ResetReason, string, string])[] = [
    ['remote-reset', 'http2.remote_reset', 'DR http2.remote_reset'],
    ['remote-reset', 'http2.too_many_headers', 'DR http2.too_many_headers'],
    ['remote-refused', 'http2.remote_refuse', 'DR http2.remote_refuse'],
    ['connection-termination', 'x', 'DC downstream_remote_disconnect'],
    ['protocol-error', 'http2.invalid.header.field', 'DPE http2.invalid.header.field'],
  ];
  for (const [reason, detail, expected] of cases) {
    const rig = http2();
    rig.chosen.open().end(reason, detail);
    rig.chosen.open().head('/', true).end(reason, detail);
    t.same(rig.logged, Array(2).fill(`HTTP/2 0 ${expected}`), reason);
    t.equal(rig.stat('rq_rx_reset'), 2);
    t.equal(rig.stat('rq_active'), 0);
  }
});

t.test('a reset behind the complete response changes nothing', async (t) => {
  const rig = http2();
  rig.chosen.isSlow = true;
  const stream = rig.chosen.open().head('/', true);
  rig.answer();
  t.ok(stream.isEnded);
  t.same(rig.logged, [], 'it is still on its way');
  stream.end('remote-reset');
  t.match(rig.logged, [/^HTTP\/2 200 - /]);
  t.equal(rig.stat('rq_rx_reset'), 0);
});

t.test('a complete response that the client is slow to take is not idle', async (t) => {
  const rig = http2({
    stream_idle_timeout: '1s',
    common_http_protocol_options: { max_stream_duration: '2s' },
  });
  rig.chosen.isSlow = true;
  const stream = rig.chosen.open().head('/', true);
  rig.answer();
  rig.clock.advance(5000);
  t.equal(stream.resetBy, null, 'the codec has a limit of its own for that');
  stream.close();
  t.match(rig.logged, [/^HTTP\/2 200 - /]);
});

t.test('a response before the end of the request is complete without it', async (t) => {
  const rig = http2();
  const stream = rig.chosen.open().head('/', false);
  rig.answer();
  t.ok(stream.isEnded);
  t.equal(rig.stat('rq_response_before_rq_complete'), 1);
  t.equal(rig.stat('rq_rx_reset'), 1, 'to Envoy this is a reset');
  t.match(rig.logged, [/^HTTP\/2 200 - /]);
});

t.test('local replies end their stream and no other', async (t) => {
  const rig = http2();
  const bad = rig.chosen.open().head('/a#b', true);
  const good = rig.chosen.open().head('/a', true);
  t.same(bad.statuses, [400]);
  rig.answer();
  t.same(good.statuses, [200]);
  t.same(rig.chosen.calls, []);
  t.equal(rig.connection.closeMode, null);
});

t.test('Expect: 100-continue is answered before the content', async (t) => {
  const rig = http2();
  const stream = rig.chosen.open().head('/', false, 'expect', '100-continue');
  t.same(stream.statuses, [100]);
  stream.data('abc', true);
  rig.answer();
  t.same(stream.statuses, [100, 200]);
  const passed = http2({ proxy_100_continue: true });
  t.same(passed.chosen.open().head('/', false, 'expect', '100-continue').statuses, []);
});

t.test('time limits answer, or reset what has begun', async (t) => {
  const options = { max_stream_duration: '1s' };
  const rig = http2({ common_http_protocol_options: options });
  const unanswered = rig.chosen.open().head('/1', true);
  const begun = rig.chosen.open().head('/2', true);
  rig.requests.reverse();
  rig.answer(false);
  rig.clock.advance(1100);
  t.same(unanswered.statuses, [504]);
  t.equal(unanswered.body, 'downstream duration timeout');
  t.same([begun.statuses, begun.resetBy], [[200], 'local-reset']);
  t.equal(rig.stat('rq_tx_reset'), 1);
  const request = http2({ request_timeout: '1s' });
  const sending = request.chosen.open().head('/', false);
  request.clock.advance(1100);
  t.same([sending.statuses, sending.body], [[408], 'request timeout']);
  const headers = http2({ request_headers_timeout: '1s' });
  const silent = headers.chosen.open();
  headers.clock.advance(1100);
  t.same([silent.statuses, silent.body], [[408], 'request header timeout']);
});
