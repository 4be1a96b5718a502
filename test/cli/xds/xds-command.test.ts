// `outrigger xds` as people call it, in this process: what it serves, what it says, how it ends.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import grpc from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import {
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from '../../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { AGGREGATED_METHODS, resourceType, TYPE_URLS } from '../../../proxy/xds/resource-types.ts';
import { makeAuthority, makeCertificate } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { typed, XdsProgram } from '../../support/xds-program.ts';

const cluster = (name: string, members = {}) => typed('cluster', { name, ...members });

function program(t: Test): XdsProgram {
  const xds = new XdsProgram();
  t.teardown(() => xds.remove());
  return xds;
}

/** An incremental stream of one type or of all, by hand. */
class Stream {
  readonly responses: DeltaDiscoveryResponse[] = [];
  status: grpc.StatusObject | null = null;
  readonly #client: grpc.Client;
  readonly #call: grpc.ClientDuplexStream<Buffer, Buffer>;

  constructor(
    t: Test,
    target: string,
    {
      credentials = grpc.credentials.createInsecure(),
      method = AGGREGATED_METHODS.incremental as string,
    } = {},
  ) {
    const asIs = (octets: Buffer): Buffer => octets;
    this.#client = new grpc.Client(target, credentials, {
      'grpc.ssl_target_name_override': 'xds.test',
    });
    this.#call = this.#client.makeBidiStreamRequest(method, asIs, asIs);
    this.#call.on('data', (octets: Buffer) => {
      this.responses.push(fromBinary(DeltaDiscoveryResponseSchema, octets));
    });
    this.#call.on('error', () => undefined);
    this.#call.on('status', (status: grpc.StatusObject) => {
      this.status = status;
    });
    t.teardown(() => {
      this.#call.cancel();
      this.#client.close();
    });
  }

  send(fields: object): void {
    const request = create(DeltaDiscoveryRequestSchema, fields);
    this.#call.write(Buffer.from(toBinary(DeltaDiscoveryRequestSchema, request)));
  }

  octets(octets: Buffer): void {
    this.#call.write(octets);
  }

  end(): void {
    this.#call.end();
  }

  async response(index: number): Promise<DeltaDiscoveryResponse> {
    await eventually(() => this.responses.length > index);
    return this.responses[index] as DeltaDiscoveryResponse;
  }
}

t.test('says to whom it sends what, and what they think of it', async (t) => {
  const xds = program(t);
  xds.write('a.json', [cluster('a'), cluster('b')]);
  mkdirSync(join(xds.folder, 'by-node', 'edge-1'), { recursive: true });
  writeFileSync(join(xds.folder, 'by-node', 'edge-1', 'c.json'), JSON.stringify(cluster('c')));
  await xds.start({ json: true, check: 'rules' });
  const stream = new Stream(t, `127.0.0.1:${xds.port}`);
  const node = { id: 'edge-1', cluster: 'edge' };
  stream.send({ node, typeUrl: TYPE_URLS.cluster, resourceNamesSubscribe: ['*', 'x'] });
  const first = await stream.response(0);
  t.same(
    first.resources.map(({ name }) => name),
    ['a', 'b', 'c'],
  );
  t.same(first.removedResources, ['x']);
  stream.send({ typeUrl: TYPE_URLS.cluster, responseNonce: first.nonce });
  xds.write('a.json', [cluster('a', { alt_stat_name: 'z' })]);
  const second = await stream.response(1);
  t.match(second, { resources: [{ name: 'a' }], removedResources: ['b'] });
  const errorDetail = { code: 13, message: 'no \u001b[2Jgood' };
  stream.send({ typeUrl: TYPE_URLS.cluster, responseNonce: second.nonce, errorDetail });
  await eventually(() => xds.events.some(({ event }) => event === 'nack'));
  stream.end();
  await eventually(() => xds.events.some(({ event }) => event === 'end'));
  const who = { stream: 1, node: 'edge-1', cluster: 'edge', variant: 'delta' };
  t.match(xds.events, [
    { event: 'serving' },
    { event: 'open', stream: 1, node: '' },
    { event: 'subscribe', ...who, wildcard: true, names: ['x'], missing: ['x'] },
    { event: 'push', ...who, type: TYPE_URLS.cluster, count: 3, removed: ['x'] },
    { event: 'ack', ...who, version: first.systemVersionInfo },
    { event: 'push', ...who, count: 1, removed: ['b'] },
    { event: 'nack', ...who, nonce: second.nonce, error: 'no \u001b[2Jgood' },
    { event: 'end', ...who },
  ]);
  t.equal(await xds.stop(), 0);
});

t.test('lines are for eyes, and steer no terminal', async (t) => {
  const xds = program(t);
  xds.write('a.json', [cluster('a')]);
  const target = `unix:${join(xds.folder, 'xds.sock')}`;
  await xds.start({ listen: join(xds.folder, 'xds.sock'), check: 'off' });
  const { incrementalMethod: method } = resourceType(TYPE_URLS.cluster);
  const stream = new Stream(t, target, { method });
  const node = { id: 'n\u001b[2J', cluster: 'edge' };
  stream.send({ node, resourceNamesSubscribe: Array.from({ length: 7 }, (_, i) => `c${i}`) });
  const { nonce, removedResources } = await stream.response(0);
  t.equal(removedResources.length, 7);
  stream.send({ responseNonce: nonce, errorDetail: { code: 13, message: 'bad\nnews' } });
  await eventually(() => xds.lines.some((line) => line.includes('NACK')));
  const [, ...lines] = xds.lines.map((line) => line.replace(/^\S+ /, ''));
  t.match(xds.lines[0], /^serving 1 resource of 1 file \(CDS 1\) on unix:/);
  const some = 'c0, c1, c2, c3, c4 and 2 more';
  t.match(lines, [
    /^#1 {2}connected: CDS delta from /,
    `n\\x1b[2J  CDS asks for ${some}; there is no ${some}`,
    /^n\\x1b\[2J {2}CDS sent [0-9a-f]{16}: 0 resources, without c0, c1, c2, c3, c4 and 2 more$/,
    /^n\\x1b\[2J {2}CDS NACK [0-9a-f]{16}: bad\\x0anews$/,
  ]);
  stream.send({ typeUrl: TYPE_URLS.route });
  await eventually(() => stream.status !== null);
  t.match(stream.status, { code: grpc.status.INVALID_ARGUMENT, details: /^this stream is for / });
  t.match(xds.lines.at(-1), /gone: this stream is for /);
});

t.test('speaks TLS, and asks clients for certificates', async (t) => {
  const xds = program(t);
  const authority = makeAuthority();
  const leaf = makeCertificate({ issuer: authority, altNames: [{ dns: 'xds.test' }] });
  const files = { cert: leaf.chainPem, key: leaf.keyPem, ca: authority.chainPem };
  for (const [name, pem] of Object.entries(files)) xds.write(`${name}.pem`, pem);
  const at = (name: string) => join(xds.folder, `${name}.pem`);
  await xds.start({ json: true, tlsCert: at('cert'), tlsKey: at('key'), clientCa: at('ca') });
  const target = `127.0.0.1:${xds.port}`;
  const ca = Buffer.from(authority.chainPem);
  const stranger = new Stream(t, target, { credentials: grpc.credentials.createSsl(ca) });
  stranger.send({ typeUrl: TYPE_URLS.cluster });
  await eventually(() => stranger.status !== null);
  t.equal(stranger.status?.code, grpc.status.UNAVAILABLE);
  const pair = [Buffer.from(leaf.keyPem), Buffer.from(leaf.chainPem)] as const;
  const credentials = grpc.credentials.createSsl(ca, ...pair);
  const friend = new Stream(t, target, { credentials });
  friend.send({ typeUrl: TYPE_URLS.cluster });
  t.equal((await friend.response(0)).resources.length, 0);
  friend.octets(Buffer.from([0xff]));
  await eventually(() => friend.status !== null);
  t.match(friend.status, { code: grpc.status.INVALID_ARGUMENT, details: /cannot be decoded/ });
  const last = new Stream(t, target, { credentials });
  last.send({ typeUrl: TYPE_URLS.cluster });
  await last.response(0);
  t.equal(await xds.stop(), 0, 'streams do not keep it');
  await eventually(() => last.status !== null);
  t.equal(last.status?.code, grpc.status.UNAVAILABLE);
});

t.test('a bad file is refused with its place, and serves as it was', async (t) => {
  const xds = program(t);
  xds.write('a.json', [cluster('a')]);
  await xds.start({ check: 'rules' });
  xds.write('a.json', '[{"nonsense": 1}]');
  await eventually(() => xds.stderr !== '');
  t.match(xds.stderr, /a\.json:1:2: error: \[0\]: expected '@type'/);
  t.match(xds.stderr, /a\.json is refused: it is served as it was before\n$/);
  xds.write('b.json', '[');
  await eventually(() => xds.stderr.includes('nothing of it is served'));
  t.equal(xds.lines.length, 1, 'nothing else is served');
  xds.write('a.json', [cluster('b')]);
  await eventually(() => xds.lines.length === 2);
  t.match(xds.lines[1], /^serving 1 resource of 2 files \(CDS 1\) from now on$/);
});

t.test('polls are answered', async (t) => {
  const xds = program(t);
  xds.write('a.json', [cluster('a'), cluster('b')]);
  await xds.start({ json: true, check: 'rules', rest: '127.0.0.1:0' });
  const poll = (path: string, body: unknown, method = 'POST') =>
    fetch(`http://127.0.0.1:${xds.restPort}${path}`, {
      ...{ method, headers: { connection: 'close' } },
      ...(method === 'POST' ? { body: JSON.stringify(body) } : {}),
    });
  const all = await poll('/v3/discovery:clusters', { node: { id: 'n' } });
  const response = await all.json();
  t.match(response, { typeUrl: TYPE_URLS.cluster, resources: [{ name: 'a' }, { name: 'b' }] });
  const version_info = (response as { readonly versionInfo: string }).versionInfo;
  t.equal((await poll('/v3/discovery:clusters', { version_info })).status, 304);
  const one = await poll('/v3/discovery:clusters', { version_info, resource_names: ['b', 'x'] });
  t.match(await one.json(), { resources: [{ name: 'b' }] });
  t.equal((await poll('/v3/discovery:nothing', {})).status, 404);
  t.equal((await poll('/v3/discovery:routes', {}, 'GET')).status, 405);
  t.equal((await poll('/v3/discovery:routes', [])).status, 400);
});

t.test('a folder can be checked without being served', async (t) => {
  const xds = program(t);
  const load_assignment = { cluster_name: 'a' };
  xds.write('a.json', [cluster('a', { type: 'STATIC', load_assignment })]);
  await xds.start({ dryRun: true });
  t.equal(xds.code, 0);
  t.match(xds.lines, [/^1 resource of 1 file \(CDS 1\): OK$/]);
  xds.write('a.json', [cluster('a', { type: 'EDS' })]);
  await xds.start({ dryRun: true });
  t.equal(xds.code, 1);
  t.match(xds.stderr, /eds_cluster_config: cannot create an EDS cluster without an EDS config/);
});

t.test('what makes no sense is said at once', async (t) => {
  const xds = program(t);
  await xds.start({ listen: 'x', rest: 'y', check: 'z', tlsCert: '/none' });
  t.equal(xds.code, 64);
  for (const flag of ['--listen', '--rest', '--check', '--tls-cert and --tls-key']) {
    t.ok(xds.stderr.includes(`error: ${flag}`), flag);
  }
  await xds.start({ clientCa: '/none' });
  t.match(xds.stderr, /--client-ca: needs --tls-cert/);
  await xds.start({ tlsCert: '/none', tlsKey: '/none' });
  t.match(xds.stderr, /--tls-key: \/none cannot be read: ENOENT/);
  await xds.start({}, '/none');
  t.equal(xds.code, 1);
  t.match(xds.stderr, /error: \/none: there is no such folder\n$/);
  const other = program(t);
  await other.start({ json: true });
  await xds.start({ listen: `127.0.0.1:${other.port}` });
  t.equal(xds.code, 1);
  t.match(xds.stderr, /error: 127\.0\.0\.1:\d+ cannot be listened on: /);
});

t.test('a pipe that nobody listens on any more is taken over', async (t) => {
  const xds = program(t);
  const path = join(xds.folder, 'xds.sock');
  // Whoever is killed leaves it behind.
  const script = `require('net').createServer().listen('${path}', () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  t.ok(existsSync(path));
  await xds.start({ listen: path });
  t.equal(xds.code, null, xds.stderr);
  const other = program(t);
  await other.start({ listen: path });
  t.equal(other.code, 1, 'one that somebody listens on is not');
});
