// x-forwarded-client-cert as upstreams see it: every mode, every detail, both formats, with what
// clients say themselves.
import t, { type Test } from 'tap';
import {
  clientIdentities,
  identityRoot,
  serverIdentities,
  trickyIdentity,
} from '../support/identities.ts';
import { openMirror, tlsExchange } from '../support/tls-exchange.ts';
import {
  type ServedTwin,
  secureCluster,
  tlsCertificate,
  tlsSocket,
  withServedTwins,
} from '../support/tls-twins.ts';
import { type Json, type TwinListener, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const MODES = ['SANITIZE', 'FORWARD_ONLY', 'APPEND_FORWARD', 'SANITIZE_SET', 'ALWAYS_FORWARD_ONLY'];
/** Those that write it, for which the details matter. */
const SETTING = new Set(['APPEND_FORWARD', 'SANITIZE_SET']);
const ALL = { subject: true, cert: true, chain: true, dns: true, uri: true, issuer: true };
const DETAILS: Readonly<Record<string, Json>> = {
  nothing: {},
  all: ALL,
  subject: { subject: true },
  names: { subject: false, uri: true, dns: true },
  json: { ...ALL, format: 'JSON' },
  'json-hash': { format: 'JSON' },
};
/** What clients say: nothing, one line, two, JSON of both kinds, text that only begins like it. */
const GIVEN: readonly (readonly string[])[] = [
  [],
  ['x-forwarded-client-cert: Hash=1;Subject="a,b"', 'x-forwarded-client-cert: Hash=2'],
  ['x-forwarded-client-cert: [{"hash":"1"}]'],
  ['x-forwarded-client-cert: [broken'],
  ['x-forwarded-client-cert: '],
  ['x-mode: set', 'x-forwarded-client-cert: Hash=1'],
  ['x-mode: pass', 'x-forwarded-client-cert: Hash=1'],
];

function secured(own: 'named' | 'bare', hcm: Json): TwinListener {
  const context = {
    tls_certificates: [tlsCertificate(serverIdentities[own])],
    validation_context: { trusted_ca: { inline_string: identityRoot.pem } },
  };
  const transportSocket = tlsSocket('Downstream', { common_tls_context: context });
  return { cluster: 'secure', chain: { transport_socket: transportSocket }, hcm };
}

function policy(mode: string, details: Json): Json {
  return { forward_client_cert_details: mode, set_current_client_cert_details: details };
}

function byMode(entries: Readonly<Record<string, Json>>): Json {
  const input = typed('type.matcher.v3.HttpRequestHeaderMatchInput', { header_name: 'x-mode' });
  const type =
    'extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.ForwardClientCertConfig';
  const actions = Object.entries(entries).map(([value, action]) => [
    value,
    { action: { name: value, typed_config: typed(type, action) } },
  ]);
  return {
    matcher_tree: {
      input: { name: 'mode', typed_config: input },
      exact_match_map: { map: Object.fromEntries(actions) },
    },
  };
}

const LISTENERS: Readonly<Record<string, TwinListener>> = {
  main: secured('named', {}),
  ...Object.fromEntries(
    MODES.flatMap((mode) =>
      Object.entries(DETAILS)
        .filter(([name]) => name === 'names' || SETTING.has(mode))
        .map(([name, details]) => [`${mode}-${name}`, secured('named', policy(mode, details))]),
    ),
  ),
  bare: secured('bare', policy('APPEND_FORWARD', ALL)),
  'bare-json': secured('bare', policy('SANITIZE_SET', { ...ALL, format: 'JSON' })),
  matcher: secured('named', {
    ...policy('SANITIZE_SET', { dns: true }),
    forward_client_cert_matcher: byMode({
      set: policy('APPEND_FORWARD', { uri: true }),
      pass: policy('ALWAYS_FORWARD_ONLY', {}),
    }),
  }),
};

/** The field's lines as the upstream saw them. */
async function seen(
  twin: ServedTwin,
  listener: string,
  exchange: Parameters<typeof tlsExchange>[1],
) {
  const answer = await tlsExchange(twin.ports[listener] ?? 0, exchange);
  const lines = [...answer.matchAll(/^x-forwarded-client-cert: (.*)\r$/gm)].map(([, it]) => it);
  return [answer.slice(9, 12), ...lines];
}

t.test('x-forwarded-client-cert is what Envoy makes of it', { skip: withoutEnvoy }, async (t) => {
  const mirror = await openMirror(serverIdentities.bare);
  t.teardown(() => mirror.close());
  const moreClusters = [secureCluster(mirror.port, {})];
  await withServedTwins({ listeners: LISTENERS, moreClusters, log: null }, async (twins) => {
    const { ours, envoy } = twins;
    for (const listener of Object.keys(LISTENERS)) {
      for (const [client, shown] of Object.entries(clientIdentities)) {
        const all = GIVEN.map((lines) => ({ shown, lines }));
        const [mine, theirs] = await Promise.all(
          [ours, envoy].map((twin) => Promise.all(all.map((it) => seen(twin, listener, it)))),
        );
        t.same(mine, theirs, `${listener}: ${client}`);
      }
    }
    await strictness(t, twins);
  });
});

/** Where names and fields could say something else than they are. */
async function strictness(
  t: Test,
  { ours, envoy }: { readonly ours: ServedTwin; readonly envoy: ServedTwin },
): Promise<void> {
  const hash = 'Hash=[0-9a-f]{64}';
  const tricky = { shown: trickyIdentity };
  const [, own] = await seen(ours, 'SANITIZE_SET-names', tricky);
  const by = 'By=spiffe://td/server;By=spiffe://td/other';
  t.match(
    own,
    new RegExp(
      `^${by};${hash};URI="spiffe://td/x;URI=spiffe://td/admin";URI=a%0D%0Ab: c;DNS="a,\\\\"b"$`,
    ),
    'a name that holds separators is quoted',
  );
  const shown = clientIdentities['workload'] ?? null;
  for (const given of ['Hash=1;Subject="a', '[{"hash":"1"},]', '[]']) {
    const lines = [`x-forwarded-client-cert: ${given}`];
    const [, mine = ''] = await seen(ours, 'APPEND_FORWARD-names', { shown, lines });
    const [, theirs = ''] = await seen(envoy, 'APPEND_FORWARD-names', { shown, lines });
    t.ok(theirs.startsWith(given.replace(/\]$/, '')), `${given}: Envoy appends to it`);
    if (given === '[]') t.equal(JSON.parse(mine).length, 1, 'an empty list gets one element');
    else t.match(mine, new RegExp(`^${by};${hash};URI=[^,"]*$`), `${given} is dropped`);
  }
}
