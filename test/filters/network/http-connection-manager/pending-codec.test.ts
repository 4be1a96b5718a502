import t from 'tap';
import { PREFACE_WAIT_MS } from '../../../../proxy/filters/network/http-connection-manager/pending-codec.ts';
import { HcmRig } from '../../../support/hcm-rig.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

t.test('the first bytes say which protocol a connection speaks', async (t) => {
  const cases = {
    [PREFACE]: 'HTTP/2',
    // As much as Envoy looks at.
    'PRI * HTTP/2': 'HTTP/2',
    'PRI * HTTP/1.1\r\n\r\n': 'HTTP/1.1',
    'GET / HTTP/1.1\r\n\r\n': 'HTTP/1.1',
    PROPFIND: 'HTTP/1.1',
    '\r\n': 'HTTP/1.1',
  };
  for (const [bytes, protocol] of Object.entries(cases)) {
    const rig = new HcmRig();
    t.equal(rig.codec, null, 'there is none before');
    rig.connection.receive(bytes);
    t.equal(rig.chosen.protocol, protocol, JSON.stringify(bytes));
    t.equal(rig.chosen.received, bytes);
    const [http1, http2] = protocol === 'HTTP/2' ? [0, 1] : [1, 0];
    t.equal(rig.stat('cx_http1_total'), http1);
    t.equal(rig.stat('cx_http2_total'), http2);
    t.equal(rig.stat('cx_http2_active'), http2);
    rig.connection.end('peer-closed');
    t.equal(rig.stat('cx_http1_active') + rig.stat('cx_http2_active'), 0);
  }
});

t.test('however they are cut, the verdict and the bytes are the same', async (t) => {
  for (const text of [PREFACE, 'PRI * HTTP/1.1\r\n\r\n', 'POST / HTTP/1.1\r\n\r\n']) {
    for (let cut = 1; cut < text.length; cut += 1) {
      const rig = new HcmRig();
      rig.connection.receive(text.slice(0, cut));
      rig.connection.receive(text.slice(cut));
      t.equal(rig.chosen.protocol, text === PREFACE ? 'HTTP/2' : 'HTTP/1.1');
      t.equal(rig.chosen.received, text, `cut at ${cut}`);
    }
    const rig = new HcmRig();
    for (const letter of text) rig.connection.receive(letter);
    t.equal(rig.chosen.received, text, 'byte by byte');
  }
});

t.test('a preface that goes no further is HTTP/1.1 before long', async (t) => {
  const rig = new HcmRig();
  rig.connection.receive('PRI * ');
  rig.clock.advance(PREFACE_WAIT_MS - 50);
  t.equal(rig.codec, null);
  rig.clock.advance(100);
  t.equal(rig.chosen.protocol, 'HTTP/1.1');
  t.equal(rig.chosen.received, 'PRI * ');
});

t.test('who ends inside the preface spoke HTTP/1.1; who says nothing spoke nothing', async (t) => {
  const inside = new HcmRig();
  inside.connection.receive('PRI');
  inside.connection.receiveEnd();
  t.equal(inside.chosen.received, 'PRI');
  const silent = new HcmRig();
  silent.connection.receiveEnd();
  t.equal(silent.codec, null);
  t.equal(silent.connection.closeMode, 'flush');
  const reset = new HcmRig();
  reset.connection.receive('PRI');
  reset.connection.end('peer-reset');
  reset.clock.advance(2 * PREFACE_WAIT_MS);
  t.equal(reset.codec, null, 'and nothing is awaited of who is gone');
});

t.test('codec_type and ALPN decide before the bytes do', async (t) => {
  const cases = [
    [{ codec_type: 'HTTP1' }, '', PREFACE, 'HTTP/1.1'],
    [{ codec_type: 'HTTP1' }, 'h2', PREFACE, 'HTTP/1.1'],
    [{}, 'h2', 'GET / HTTP/1.1\r\n', 'HTTP/2'],
    [{}, 'http/1.1', PREFACE, 'HTTP/1.1'],
    [{}, 'http/1.1', 'P', 'HTTP/1.1'],
  ] as const;
  for (const [members, alpn, bytes, protocol] of cases) {
    const rig = new HcmRig(members, alpn);
    rig.connection.receive(bytes);
    t.equal(rig.chosen.protocol, protocol, `${JSON.stringify(members)} ${alpn}`);
  }
});

t.test('idle_timeout and max_connection_duration close who said nothing, at once', async (t) => {
  const idle = new HcmRig({ common_http_protocol_options: { idle_timeout: '1s' } });
  idle.clock.advance(900);
  t.equal(idle.connection.closeMode, null);
  idle.clock.advance(200);
  t.equal(idle.connection.closeMode, 'flush');
  t.equal(idle.stat('cx_idle_timeout'), 1);
  const old = new HcmRig({ common_http_protocol_options: { max_connection_duration: '1s' } });
  old.connection.receive('PRI');
  old.clock.advance(1100);
  t.equal(old.connection.closeMode, 'flush');
  t.equal(old.stat('cx_max_duration_reached'), 1);
});

t.test('a listener that drains gives who said nothing its time', async (t) => {
  const rig = new HcmRig();
  rig.http.drain(500);
  rig.clock.advance(400);
  t.equal(rig.connection.closeMode, null);
  rig.connection.receive(PREFACE);
  t.same(rig.chosen.calls, ['announce'], 'a late codec hears of it at once');
  const silent = new HcmRig();
  silent.http.drain(500);
  silent.clock.advance(600);
  t.equal(silent.connection.closeMode, 'flush');
});
