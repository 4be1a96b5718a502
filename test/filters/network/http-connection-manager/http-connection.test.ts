import t from 'tap';
import { H2_ERROR } from '../../../../proxy/http/h2/errors.ts';
import { HcmRig } from '../../../support/hcm-rig.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

type Members = ConstructorParameters<typeof HcmRig>[0];

/** A connection that speaks a protocol of many streams. */
function http2(members: Members = {}): HcmRig {
  const rig = new HcmRig({ drain_timeout: '2s', ...members });
  rig.connection.receive(PREFACE);
  return rig;
}

const common = (options: NonNullable<Members>): NonNullable<Members> => ({
  common_http_protocol_options: options as never,
});

t.test('streams end in any order, and each is counted and logged', async (t) => {
  const rig = http2();
  const streams = Array.from({ length: 50 }, (_, index) =>
    rig.chosen.open().head(`/${index}`, true),
  );
  t.equal(rig.stat('rq_active'), 50);
  t.equal(rig.stat('rq_http2_total'), 50);
  t.equal(rig.stat('rq_http1_total'), 0);
  for (const index of [0, 49, 7, 20, 48]) streams[index]?.end('remote-reset');
  t.equal(rig.stat('rq_active'), 45);
  while (rig.requests.length > 0) rig.answer();
  t.equal(rig.stat('rq_active'), 0);
  t.equal(rig.logged.length, 50);
  t.equal(rig.connection.closeMode, null, 'the connection stays');
});

t.test('max_requests_per_connection tells the client, and ends behind drain_timeout', async (t) => {
  const rig = http2(common({ max_requests_per_connection: 2 }));
  rig.chosen.open().head('/1', true);
  t.same(rig.chosen.calls, []);
  rig.chosen.open().head('/2', true);
  t.same(rig.chosen.calls, ['announce']);
  const late = rig.chosen.open().head('/3', true);
  t.equal(rig.stat('cx_max_requests_reached'), 2);
  rig.answer();
  rig.answer();
  rig.clock.advance(2100);
  t.same(rig.chosen.calls, ['announce', 'drain']);
  t.equal(rig.connection.closeMode, null, 'a stream is still open');
  rig.answer();
  t.same(late.statuses, [200]);
  t.equal(rig.connection.closeMode, 'flush-and-delay');
});

t.test('an idle connection is announced to end, then ends', async (t) => {
  const rig = http2(common({ idle_timeout: '1s' }));
  rig.chosen.open().head('/', true);
  rig.clock.advance(3000);
  t.same(rig.chosen.calls, [], 'a stream is open');
  rig.answer();
  rig.clock.advance(1100);
  t.same(rig.chosen.calls, ['announce']);
  t.equal(rig.stat('cx_idle_timeout'), 1);
  const late = rig.chosen.open().head('/late', true);
  rig.answer();
  t.same(late.statuses, [200], 'what was on its way is answered');
  rig.clock.advance(2100);
  t.same(rig.chosen.calls, ['announce', 'drain']);
  t.equal(rig.connection.closeMode, 'flush-and-delay');
});

t.test('a connection that is too old is drained while it is used', async (t) => {
  const rig = http2(common({ max_connection_duration: '1s' }));
  rig.chosen.open().head('/', true);
  rig.clock.advance(1100);
  t.same(rig.chosen.calls, ['announce']);
  t.equal(rig.stat('cx_max_duration_reached'), 1);
  rig.clock.advance(2100);
  t.same(rig.chosen.calls, ['announce', 'drain']);
  t.equal(rig.connection.closeMode, null);
});

t.test('the first response of a draining listener starts the end, once', async (t) => {
  const rig = http2();
  const streams = [rig.chosen.open().head('/1', true), rig.chosen.open().head('/2', true)];
  rig.listener.isDraining = true;
  rig.answer();
  rig.answer();
  t.same(rig.chosen.calls, ['announce']);
  t.equal(rig.stat('cx_drain_close'), 1);
  t.ok(streams.every(({ asksToClose }) => asksToClose));
  rig.clock.advance(2100);
  t.same(rig.chosen.calls, ['announce', 'drain']);
});

t.test('a listener that is drained tells its connections itself', async (t) => {
  const rig = http2();
  rig.listener.isDraining = true;
  rig.http.drain(300);
  t.same(rig.chosen.calls, ['announce']);
  rig.chosen.open().head('/', true);
  rig.answer();
  t.equal(rig.stat('cx_drain_close'), 1);
  rig.clock.advance(400);
  t.same(rig.chosen.calls, ['announce', 'drain']);
});

t.test('memory that runs short ends idle connections only', async (t) => {
  const busy = http2();
  busy.chosen.open();
  busy.http.closeIfIdle();
  t.same(busy.chosen.calls, []);
  const idle = http2();
  idle.http.closeIfIdle();
  t.same(idle.chosen.calls, ['drain']);
  t.equal(idle.stat('cx_overload_disable_keepalive'), 1);
  const silent = new HcmRig();
  silent.http.closeIfIdle();
  t.equal(silent.connection.closeMode, 'flush');
});

t.test('a protocol error of the connection is counted', async (t) => {
  const rig = http2();
  rig.chosen.done({
    kind: 'protocol-error',
    error: { scope: 'connection', status: 400, h2Code: 1, details: 'd', reason: 'r' },
  });
  t.equal(rig.stat('cx_protocol_error'), 1);
  t.equal(rig.connection.closeMode, 'flush-and-delay');
  rig.http.onClose('local-close', '');
  t.equal(rig.stat('cx_destroy_local'), 1);
  t.equal(rig.stat('cx_destroy_active_rq'), 0);
});

t.test('streams that a broken connection takes along were active', async (t) => {
  const rig = http2();
  const stream = rig.chosen.open().head('/', true);
  stream.end('protocol-error', 'codec_error:flood');
  rig.chosen.done({ kind: 'protocol-error', error: H2_ERROR.prematureResets });
  rig.http.onClose('local-close', '');
  t.equal(rig.stat('cx_destroy_local_active_rq'), 1);
  t.equal(rig.stat('rq_too_many_premature_resets'), 1);
  t.same(rig.logged, ['HTTP/2 0 DPE codec_error:flood']);
});

t.test('quiet streams end one by one', async (t) => {
  const rig = http2({ stream_idle_timeout: '1s' });
  const first = rig.chosen.open().head('/1', true);
  rig.clock.advance(600);
  const second = rig.chosen.open().head('/2', true);
  rig.clock.advance(500);
  t.same([first.statuses, second.statuses], [[504], []]);
  rig.clock.advance(600);
  t.same(second.statuses, [504]);
  t.equal(rig.stat('rq_idle_timeout'), 2);
  t.same(rig.logged, Array(2).fill('HTTP/2 504 SI stream_idle_timeout'));
  t.equal(rig.connection.closeMode, null);
});
