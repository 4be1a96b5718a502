import t from 'tap';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { RequestHead, ResponseHead } from '../../proxy/http/message.ts';
import {
  agreesToTunnel,
  keepOnlyUpgrade,
  opensTunnel,
  takeUpgrade,
  tunnelKind,
} from '../../proxy/http/tunnel.ts';

function request(method: string, upgrade = ''): RequestHead {
  const target = { path: '/', authority: 'h', scheme: 'http' };
  const head = new RequestHead('HTTP/1.1', method, target, HeaderList.empty());
  head.upgrade = upgrade;
  return head;
}

t.test('an upgrade and CONNECT ask for tunnels', async (t) => {
  t.equal(tunnelKind(request('GET')), 'none');
  t.equal(tunnelKind(request('GET', 'websocket')), 'upgrade');
  t.equal(tunnelKind(request('CONNECT')), 'connect');
});

t.test('101 agrees to an upgrade, success to CONNECT, nothing else to either', async (t) => {
  const agreeing = (kind: 'none' | 'upgrade' | 'connect'): number[] =>
    [100, 101, 200, 204, 299, 300, 403].filter((status) => agreesToTunnel(kind, status));
  t.same(agreeing('upgrade'), [101]);
  t.same(agreeing('connect'), [200, 204, 299]);
  t.same(agreeing('none'), []);
});

t.test('a 101 from the wire names what it switches to', async (t) => {
  const opens = (...fields: string[]): boolean =>
    opensTunnel('upgrade', new ResponseHead(101, HeaderList.of(...fields)));
  t.ok(opens('upgrade', 'websocket'));
  t.notOk(opens('connection', 'upgrade'));
  t.ok(opensTunnel('connect', new ResponseHead(200, HeaderList.empty())));
});

t.test('an upgrade needs its field and its connection option', async (t) => {
  const upgradeIn = (...fields: string[]): string => takeUpgrade(HeaderList.of(...fields));
  t.equal(upgradeIn('connection', 'Upgrade', 'upgrade', 'WebSocket'), 'websocket');
  t.equal(upgradeIn('connection', 'close, upgrade', 'upgrade', 'a'), 'a');
  t.equal(upgradeIn('connection', 'upgrades', 'upgrade', 'a'), '');
  t.equal(upgradeIn('upgrade', 'a'), '');
  t.equal(upgradeIn('connection', 'upgrade'), '');
});

t.test('h2c is taken out', async (t) => {
  const headers = HeaderList.of('connection', 'upgrade', 'upgrade', 'h2c', 'http2-settings', 'a');
  t.equal(takeUpgrade(headers), '');
  t.equal(headers.toFieldLines(), 'connection: upgrade\r\n');
});

t.test('a Connection field that says more than upgrade is written anew', async (t) => {
  const kept = (...values: string[]): string[] => {
    const headers = HeaderList.of(...values.flatMap((value) => ['connection', value]));
    keepOnlyUpgrade(headers);
    return headers.values('connection');
  };
  t.same(kept('Upgrade'), ['Upgrade']);
  t.same(kept('keep-alive, Upgrade'), ['upgrade']);
  t.same(kept('Upgrade', 'close'), ['upgrade']);
});
