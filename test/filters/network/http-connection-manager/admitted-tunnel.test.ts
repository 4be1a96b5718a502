import t from 'tap';
import {
  AdmittedTunnel,
  HALF_OPEN_IDLE_MS,
} from '../../../../proxy/filters/network/http-connection-manager/admitted-tunnel.ts';
import { HcmStats } from '../../../../proxy/filters/network/http-connection-manager/hcm-stats.ts';
import { HeaderList } from '../../../../proxy/http/header-list.ts';
import { ResponseHead } from '../../../../proxy/http/message.ts';
import { StatsStore } from '../../../../proxy/stats/store.ts';

function fakeStream(idleTimeoutMs: number) {
  const stream = {
    idleTimeoutMs,
    setIdleTimeout(timeoutMs: number): void {
      stream.idleTimeoutMs = timeoutMs;
    },
  };
  return stream;
}

t.test('it is counted while it lasts', async (t) => {
  const store = new StatsStore(null);
  const stats = new HcmStats(store.scope('http.a'), store.scope('listener.b'));
  const tunnels = [new AdmittedTunnel(stats, 'upgrade'), new AdmittedTunnel(stats, 'connect')];
  t.equal(stats.cxUpgradesActive.value, 2);
  for (const tunnel of tunnels) tunnel.end();
  t.equal(stats.cxUpgradesActive.value, 0);
  t.equal(stats.cxUpgradesTotal.value, 2);
});

t.test('when one side has left, the other may not be silent for ever', async (t) => {
  const store = new StatsStore(null);
  const tunnel = new AdmittedTunnel(
    new HcmStats(store.scope('http.a'), store.scope('listener.b')),
    'connect',
  );
  const endless = fakeStream(0);
  tunnel.onSideEnded(endless);
  t.equal(endless.idleTimeoutMs, HALF_OPEN_IDLE_MS);
  const bounded = fakeStream(1000);
  tunnel.onSideEnded(bounded);
  t.equal(bounded.idleTimeoutMs, 1000, 'a timeout that is configured stays');
});

t.test('it is opened by the response that its kind wants', async (t) => {
  const store = new StatsStore(null);
  const stats = new HcmStats(store.scope('http.a'), store.scope('listener.b'));
  const opens = (kind: 'upgrade' | 'connect', status: number): boolean =>
    new AdmittedTunnel(stats, kind).isOpenedBy(new ResponseHead(status, HeaderList.empty()));
  t.ok(opens('upgrade', 101));
  t.notOk(opens('upgrade', 200));
  t.ok(opens('connect', 200));
});
