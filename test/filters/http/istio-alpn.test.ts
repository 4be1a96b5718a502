import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { alpnDefinition, istioAlpnDefinition } from '../../../proxy/filters/http/istio-alpn.ts';
import type {
  HttpFilterCallbacks,
  HttpFilterServices,
} from '../../../proxy/filters/http-filter.ts';
import type { Protocol } from '../../../proxy/http/message.ts';
import type { ClusterConfig, UpstreamHttpConfig } from '../../../proxy/model/cluster.ts';
import {
  ALPN_STATE,
  ApplicationProtocols,
  withWishes,
} from '../../../proxy/upstream/transport/application-protocols.ts';
import { clusterConfig } from '../../support/cluster-config.ts';
import { compileJson } from '../../support/compile-json.ts';
import {
  exchange,
  matchedRoute,
  requestHead,
  routeTo,
  tableOf,
} from '../../support/route-fixtures.ts';

const LISTS = {
  alpn_override: [
    { alpn_override: ['mesh/1.0', 'http/1.0'] },
    { upstream_protocol: 'HTTP11', alpn_override: ['mesh/1.1', 'http/1.1'] },
    { upstream_protocol: 'HTTP2', alpn_override: ['mesh-h2', 'h2'] },
  ],
};

interface Case {
  readonly config?: JsonValue;
  readonly downstream?: Protocol;
  readonly upstream?: UpstreamHttpConfig['protocol'];
  readonly metadata?: ClusterConfig['metadata'];
  readonly cluster?: string;
  readonly definition?: typeof istioAlpnDefinition;
}

/** The list that a request asks for; null: none, `idle`: streams do without the filter. */
function listOf(wanted: Case): readonly string[] | null | 'idle' {
  const { upstream = 'http1', metadata = {}, downstream = 'HTTP/1.1' } = wanted;
  const base = clusterConfig({ metadata });
  const config = { ...base, http: { ...base.http, protocol: upstream } };
  const { schema } = wanted.definition ?? istioAlpnDefinition;
  const source = { schema, json: wanted.config ?? LISTS };
  const compiled = compileJson(source, istioAlpnDefinition.compile as never);
  const clusters = { get: (name: string) => (name === 'c' ? { config } : null) };
  const factory = istioAlpnDefinition.factory(
    compiled.value as never,
    {} as HttpFilterServices,
    'istio.alpn',
  );
  if (factory === null) return 'idle';
  const head = requestHead({});
  Object.assign(head, { protocol: downstream });
  const route = matchedRoute(tableOf(routeTo(wanted.cluster ?? 'c', { prefix: '/' })), head);
  const context = exchange(head);
  const callbacks = { ...context, route, services: { clusters }, streamRandom: 0 };
  factory.create(callbacks as unknown as HttpFilterCallbacks).onRequestHead?.(head, true);
  const state = context.info.filterState?.get(ALPN_STATE);
  return state instanceof ApplicationProtocols ? state.names.applicationProtocols : null;
}

t.test('the list of the protocol that the upstream is spoken to in', (t) => {
  t.same(listOf({}), ['mesh/1.1', 'http/1.1']);
  t.same(listOf({ downstream: 'HTTP/2' }), ['mesh/1.1', 'http/1.1']);
  t.same(listOf({ upstream: 'http2' }), ['mesh-h2', 'h2']);
  t.same(listOf({ upstream: 'auto' }), ['mesh-h2', 'h2']);
  t.same(listOf({ upstream: 'downstream' }), ['mesh/1.1', 'http/1.1']);
  t.same(listOf({ upstream: 'downstream', downstream: 'HTTP/2' }), ['mesh-h2', 'h2']);
  // No upstream is spoken to in HTTP/1.0.
  t.same(listOf({ upstream: 'downstream', downstream: 'HTTP/1.0' }), ['mesh/1.1', 'http/1.1']);
  t.end();
});

t.test('Envoy has the filter under another name', (t) => {
  t.same(listOf({ definition: alpnDefinition, upstream: 'http2' }), ['mesh-h2', 'h2']);
  t.equal(alpnDefinition.schema.typeName, 'envoy.extensions.filters.http.alpn.v3.FilterConfig');
  t.end();
});

t.test('a cluster may keep its own', (t) => {
  t.equal(listOf({ metadata: { istio: { alpn_override: 'false' } } }), null);
  t.same(listOf({ metadata: { istio: { alpn_override: 'true' } } }), ['mesh/1.1', 'http/1.1']);
  t.same(listOf({ metadata: { istio: { alpn_override: false } } }), ['mesh/1.1', 'http/1.1']);
  t.equal(listOf({ cluster: 'unknown' }), null);
  t.end();
});

t.test('without a list for a protocol nothing is asked for', (t) => {
  const only = (upstream_protocol: string, ...alpn_override: string[]): JsonValue => ({
    alpn_override: [{ upstream_protocol, alpn_override }],
  });
  t.equal(listOf({ config: only('HTTP2', 'h2') }), null);
  t.equal(listOf({ config: only('HTTP11') }), 'idle');
  t.equal(listOf({ config: {} }), 'idle');
  const twice = {
    alpn_override: [...['a', 'b'].map((one) => ({ upstream_protocol: 1, alpn_override: [one] }))],
  };
  t.same(listOf({ config: twice }), ['b']);
  t.end();
});

t.test('connections are kept apart by list, and by the names that requests give', (t) => {
  const { info } = exchange(requestHead({}));
  t.equal(withWishes(null, info), null);
  const named = {
    key: 'a ',
    serverName: 'a',
    expectedName: '',
    applicationProtocols: [],
    source: null,
  };
  t.equal(withWishes(named, info), named);
  info.filterState = new Map([[ALPN_STATE, new ApplicationProtocols(['x', 'y'])]]);
  t.match(withWishes(null, info), { serverName: '', applicationProtocols: ['x', 'y'] });
  const both = withWishes(named, info);
  t.match(both, { serverName: 'a', applicationProtocols: ['x', 'y'] });
  const keys = [named.key, both?.key, withWishes(null, info)?.key];
  t.equal(new Set(keys).size, 3);
  info.filterState = new Map([[ALPN_STATE, 'rubbish']]);
  t.equal(withWishes(null, info), null);
  t.end();
});
