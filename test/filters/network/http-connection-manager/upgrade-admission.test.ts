import t from 'tap';
import {
  allowsTunnel,
  hasContent,
} from '../../../../proxy/filters/network/http-connection-manager/upgrade-admission.ts';
import { HeaderList } from '../../../../proxy/http/header-list.ts';
import { RequestHead } from '../../../../proxy/http/message.ts';
import type { RouteConfig } from '../../../../proxy/model/route.ts';
import type { UpgradeRulesConfig } from '../../../../proxy/model/upgrade.ts';
import { type Json, matchedRoute, requestHead, tableOf } from '../../../support/route-fixtures.ts';

type Rules = Readonly<Record<string, boolean>>;

function rules(entries: Rules): UpgradeRulesConfig {
  return new Map(
    Object.entries(entries).map(([type, isEnabled]) => [type, { isEnabled, connect: null }]),
  );
}

function routeOf(json: Json): RouteConfig {
  return matchedRoute(tableOf({ match: { prefix: '/' }, ...json }), requestHead()).config;
}

function request(method: string, upgrade: string, ...fields: readonly string[]): RequestHead {
  const target = { path: '/', authority: 'h', scheme: 'http' };
  const head = new RequestHead('HTTP/1.1', method, target, HeaderList.of(...fields));
  head.upgrade = upgrade;
  return head;
}

const WEBSOCKET = request('GET', 'websocket');
const CONNECT = request('CONNECT', '');

function allows(manager: Rules, route: Rules, head = WEBSOCKET): boolean {
  const upgrade_configs = Object.entries(route).map(([upgrade_type, enabled]) => ({
    upgrade_type,
    enabled,
  }));
  return allowsTunnel(rules(manager), routeOf({ route: { cluster: 'c', upgrade_configs } }), head);
}

t.test('nothing is allowed that nobody names', async (t) => {
  t.notOk(allows({}, {}));
  t.notOk(allows({ connect: true }, { other: true }));
});

t.test('the route has the last word, entry by entry', async (t) => {
  t.ok(allows({ websocket: true }, {}));
  t.ok(allows({}, { websocket: true }));
  t.ok(allows({ websocket: false }, { websocket: true }));
  t.notOk(allows({ websocket: true }, { websocket: false }));
  t.ok(allows({ websocket: true }, { connect: false }), 'of other types it says nothing');
});

t.test('CONNECT is a type of its own', async (t) => {
  t.ok(allows({ connect: true }, {}, CONNECT));
  t.notOk(allows({ websocket: true }, {}, CONNECT));
});

t.test('where no route forwards, the connection manager decides', async (t) => {
  t.ok(allowsTunnel(rules({ websocket: true }), null, WEBSOCKET));
  const direct = routeOf({ direct_response: { status: 200 } });
  t.ok(allowsTunnel(rules({ websocket: true }), direct, WEBSOCKET));
  t.notOk(allowsTunnel(rules({}), direct, WEBSOCKET));
});

t.test('only an upgrade with content of its own is unfit', async (t) => {
  const unfit = (...fields: readonly string[]): boolean =>
    hasContent(request('POST', 'websocket', ...fields));
  t.notOk(unfit());
  t.notOk(unfit('content-length', '0'));
  t.ok(unfit('content-length', '1'));
  t.ok(unfit('transfer-encoding', 'chunked'));
  t.notOk(hasContent(request('POST', '', 'content-length', '1')));
});
