// Who the client is, what it may say, and what the connection manager adds to requests and
// responses.
import t, { type Test } from 'tap';
import type { Echo } from '../support/scripted-upstream.ts';
import { onEnvoy } from '../support/spawn-server.ts';
import { type Rig, withRig } from '../support/with-rig.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const LOOPBACK = {
  internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
};
const TEN = {
  internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] },
};

const OPTIONS = {
  listeners: {
    edge: { hcm: { use_remote_address: true } },
    'edge-hops': { hcm: { use_remote_address: true, xff_num_trusted_hops: 1 } },
    'edge-skip': { hcm: { use_remote_address: true, skip_xff_append: true } },
    'edge-preserve': { hcm: { use_remote_address: true, preserve_external_request_id: true } },
    'edge-internal': { hcm: { use_remote_address: true, ...LOOPBACK } },
    hops: { hcm: { xff_num_trusted_hops: 1 } },
    internal: { hcm: TEN },
    identity: { hcm: { via: 'us', server_name: 'mine', always_set_request_id_in_response: true } },
    append: { hcm: { server_header_transformation: 'APPEND_IF_ABSENT' } },
    pass: { hcm: { server_header_transformation: 'PASS_THROUGH' } },
    'no-id': { hcm: { generate_request_id: false } },
    https: { hcm: { scheme_header_transformation: { scheme_to_overwrite: 'https' } } },
    suppress: { router: { suppress_envoy_headers: true } },
    port: { hcm: { append_x_forwarded_port: true } },
  },
};

t.test('headers of requests and responses', async (t) => {
  await withRig(OPTIONS, async (rig) => {
    await t.test('as a sidecar', (t) => sidecar(t, rig));
    await t.test('at the edge', (t) => edge(t, rig));
    await t.test('internal clients', (t) => internal(t, rig));
    await t.test('request ids', (t) => requestIds(t, rig));
    await t.test('server, date and via', (t) => identity(t, rig));
    await t.test('x-envoy fields of ours', (t) => ourFields(t, rig));
  });
});

function values({ fields }: Echo, name: string): readonly string[] {
  return fields.filter(([key]) => key === name).map(([, value]) => value);
}

async function sidecar(t: Test, rig: Rig): Promise<void> {
  const plain = await rig.echo('/plain');
  t.same(values(plain, 'x-forwarded-for'), []);
  t.same(values(plain, 'x-forwarded-proto'), ['http']);
  t.equal((await rig.logged('/plain')).client, '127.0.0.1');
  const forwarded = await rig.echo(
    '/forwarded',
    'x-forwarded-for: 1.1.1.1, 2.2.2.2\r\nx-forwarded-proto: https\r\n',
  );
  t.same(values(forwarded, 'x-forwarded-for'), ['1.1.1.1, 2.2.2.2']);
  t.same(values(forwarded, 'x-forwarded-proto'), ['https']);
  t.equal((await rig.logged('/forwarded')).client, '2.2.2.2');
  await rig.echo('/hops', 'x-forwarded-for: 1.1.1.1, 2.2.2.2\r\n', 'hops');
  t.equal((await rig.logged('/hops')).client, '1.1.1.1');
  await rig.echo('/bad-xff', 'x-forwarded-for: rubbish,,\r\n');
  t.equal((await rig.logged('/bad-xff')).client, '127.0.0.1');
  t.same(values(await rig.echo('/https', '', 'https'), 'x-forwarded-proto'), ['https']);
  const { target, fields } = await rig.echo('/port', '', 'port');
  t.equal(target, '/port');
  t.match(fields.find(([name]) => name === 'x-forwarded-port')?.[1], /^\d+$/);
}

async function edge(t: Test, rig: Rig): Promise<void> {
  const lies =
    'x-forwarded-for: 6.6.6.6\r\nx-forwarded-proto: https\r\nx-envoy-internal: true\r\n' +
    'x-envoy-retry-on: 5xx\r\nx-envoy-upstream-rq-timeout-ms: 1\r\nx-envoy-original-path: /evil\r\n' +
    'x-envoy-decorator-operation: evil\r\nx-forwarded-client-cert: evil\r\n';
  const seen = await rig.echo('/edge', lies, 'edge');
  const [chain] = values(seen, 'x-forwarded-for');
  t.match(chain, /^6\.6\.6\.6,\d+\.\d+\.\d+\.\d+$/);
  t.same(values(seen, 'x-forwarded-proto'), ['http']);
  t.same(values(seen, 'x-envoy-external-address'), ['127.0.0.1']);
  for (const name of [
    'x-envoy-internal',
    'x-envoy-retry-on',
    'x-envoy-upstream-rq-timeout-ms',
    'x-envoy-original-path',
    'x-envoy-decorator-operation',
    'x-forwarded-client-cert',
  ]) {
    t.same(values(seen, name), [], name);
  }
  t.same(values(seen, 'x-envoy-expected-rq-timeout-ms'), ['15000'], 'not what the client said');
  const hops = await rig.echo(
    '/edge-hops',
    'x-forwarded-for: 6.6.6.6, 7.7.7.7\r\nx-forwarded-proto: https\r\n',
    'edge-hops',
  );
  t.same(values(hops, 'x-forwarded-proto'), ['https'], 'a trusted proxy in front says so');
  t.equal((await rig.logged('/edge-hops')).client, '7.7.7.7');
  const skip = await rig.echo('/skip', 'x-forwarded-for: 6.6.6.6\r\n', 'edge-skip');
  t.same(values(skip, 'x-forwarded-for'), ['6.6.6.6']);
}

async function internal(t: Test, rig: Rig): Promise<void> {
  const controls = 'x-envoy-upstream-rq-timeout-ms: 2000\r\n';
  const trusted = await rig.echo(
    '/internal',
    `x-forwarded-for: 10.1.2.3\r\n${controls}`,
    'internal',
  );
  t.same(values(trusted, 'x-envoy-internal'), ['true']);
  t.same(values(trusted, 'x-envoy-expected-rq-timeout-ms'), ['2000']);
  const relayed = await rig.echo(
    '/relayed',
    `x-forwarded-for: 1.1.1.1, 10.1.2.3\r\n${controls}`,
    'internal',
  );
  t.same(values(relayed, 'x-envoy-internal'), [], 'came through somebody else');
  t.same(values(relayed, 'x-envoy-expected-rq-timeout-ms'), ['15000']);
  const peer = await rig.echo('/peer', controls, 'edge-internal');
  t.same(values(peer, 'x-envoy-internal'), ['true']);
  t.same(values(peer, 'x-envoy-external-address'), []);
  const none = await rig.echo('/nobody', controls);
  t.same(
    values(none, 'x-envoy-expected-rq-timeout-ms'),
    ['15000'],
    'nobody is internal by default',
  );
}

async function requestIds(t: Test, rig: Rig): Promise<void> {
  const [made = ''] = values(await rig.echo('/id'), 'x-request-id');
  t.match(made, UUID);
  const [other] = values(await rig.echo('/id-2'), 'x-request-id');
  t.not(other, made);
  const mine = 'x-request-id: mine\r\n';
  t.same(values(await rig.echo('/id-3', mine), 'x-request-id'), ['mine']);
  t.match(values(await rig.echo('/id-4', mine, 'edge'), 'x-request-id')[0], UUID);
  t.same(values(await rig.echo('/id-5', mine, 'edge-preserve'), 'x-request-id'), ['mine']);
  t.same(values(await rig.echo('/id-6', '', 'no-id'), 'x-request-id'), []);
  const { head } = await rig.get('/id-7', mine, 'identity');
  t.equal(head.get('x-request-id'), 'mine');
  t.equal((await rig.get('/id-8', mine)).head.get('x-request-id'), null);
}

async function identity(t: Test, rig: Rig): Promise<void> {
  rig.upstream.on('/server', (_head, peer) =>
    peer.write(
      'HTTP/1.1 200 OK\r\nserver: theirs\r\nvia: them\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\ncontent-length: 0\r\n\r\n',
    ),
  );
  const servers: Record<string, string> = {
    main: 'envoy',
    identity: 'mine',
    append: 'theirs',
    pass: 'theirs',
  };
  for (const [listener, server] of Object.entries(servers)) {
    t.equal((await rig.get('/server', '', listener)).head.get('server'), server, listener);
  }
  t.equal((await rig.get('/x', '', 'append')).head.get('server'), 'envoy');
  t.equal((await rig.get('/x', '', 'pass')).head.get('server'), null);
  const { head } = await rig.get('/server', '', 'identity');
  t.equal(head.get('via'), 'them, us');
  t.equal(head.get('date'), 'Thu, 01 Jan 1970 00:00:00 GMT', 'the upstream’s date stays');
  t.same(values(await rig.echo('/via', 'via: him\r\n', 'identity'), 'via'), ['him, us']);
  const beforeMs = Date.now();
  const made = Date.parse((await rig.get('/date')).head.get('date') ?? '');
  // Whole seconds, made anew once a second.
  t.ok(made > beforeMs - 3000 && made <= Date.now(), `${made} beside ${beforeMs}`);
}

async function ourFields(t: Test, rig: Rig): Promise<void> {
  t.match((await rig.get('/time')).head.get('x-envoy-upstream-service-time'), /^\d+$/);
  const quiet = await rig.get('/quiet', '', 'suppress');
  t.equal(quiet.head.get('x-envoy-upstream-service-time'), null);
  t.notOk(JSON.parse(quiet.body).fields.some(([name]: [string]) => name.startsWith('x-envoy')));
  if (onEnvoy) return;
  const long = await rig.get('/long', `x-long: ${'v'.repeat(50_000)}\r\n`);
  t.equal(long.head.status, 200, 'long fields pass below the limit');
}
