// The matrix of mTLS: what a client gets for each pair of modes, and what its sidecar logs. The same
// for every pair of our proxy and Envoy.
import type { Test } from 'tap';
import { eventually } from './eventually.ts';
import type { ServerMode } from './mesh-tls.ts';
import {
  CLIENT_MODES,
  callFromOutside,
  callHttp,
  callTcp,
  clusterName,
  type MeshClient,
  type MtlsMesh,
  PROTOCOLS,
  SERVER_MODES,
} from './mtls-mesh.ts';

/** One call's outcome: what the application sees, then response flags and the reason in the log. */
type Cell = readonly [answer: 'ok' | 'UC' | 'UF', reason: string];
type Row = Readonly<Record<ServerMode, Cell>>;
type Table = Readonly<Record<MeshClient, Row>>;

const OK: Cell = ['ok', '-'];
/** Plain text where TLS is demanded: the connection is reset. */
const ENDED: Cell = ['UC', '-'];
/** No chain takes TLS: reset as well, before there is a connection for HTTP. */
const NO_TLS: Cell = [
  'UF',
  'TLS_error:|33554536:system_library:OPENSSL_internal:Connection_reset_by_peer:TLS_error_end',
];
/** TLS reached the application, which answered in plain text. */
const PLAIN_ANSWER: Cell = [
  'UF',
  'TLS_error:|268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end',
];
const NO_CERTIFICATE: Cell = [
  'UF',
  'TLS_error:|268436496:SSL_routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE:TLS_error_end',
];

/** A port of HTTP by its name. */
const HTTP: Table = {
  DISABLE: { DISABLE: OK, PERMISSIVE: OK, STRICT: ENDED },
  SIMPLE: { DISABLE: NO_TLS, PERMISSIVE: NO_TLS, STRICT: NO_CERTIFICATE },
  MUTUAL: { DISABLE: NO_TLS, PERMISSIVE: NO_TLS, STRICT: OK },
  ISTIO_MUTUAL: { DISABLE: NO_TLS, PERMISSIVE: OK, STRICT: OK },
  AUTO: { DISABLE: OK, PERMISSIVE: OK, STRICT: OK },
};

/** Where TLS of others is passed on to the application. */
const PASSED_ON: Table = {
  ...HTTP,
  SIMPLE: { ...HTTP.SIMPLE, PERMISSIVE: PLAIN_ANSWER },
  MUTUAL: { ...HTTP.MUTUAL, PERMISSIVE: PLAIN_ANSWER },
};

const UPSTREAM = 'upstream connect error or disconnect/reset before headers. reset reason:';
const ANSWERS = {
  UC: `503 ${UPSTREAM} connection termination`,
  UF: `503 ${UPSTREAM} remote connection failure`,
};

/** Makes every call, and compares. */
export async function checkEveryCell(t: Test, mesh: MtlsMesh): Promise<void> {
  for (const client of CLIENT_MODES) {
    await t.test(`a client that speaks ${client}`, async (t) => {
      for (const server of SERVER_MODES) await checkPair(t, mesh, { client, server });
    });
  }
  await t.test('a client outside of the mesh', (t) => checkOutside(t, mesh));
}

async function checkPair(
  t: Test,
  mesh: MtlsMesh,
  at: { readonly client: MeshClient; readonly server: ServerMode },
): Promise<void> {
  const { client, server } = at;
  const onHttp = HTTP[client][server];
  t.equal(await callHttp(mesh, at), answer(onHttp, server), `HTTP to ${server}`);
  await isLogged(t, mesh, { cluster: clusterName(client, server, 'http'), cell: onHttp });
  const onAuto = PASSED_ON[client][server];
  const detected = await callHttp(mesh, { ...at, protocol: 'auto' });
  t.equal(detected, answer(onAuto, server), `HTTP that is detected, to ${server}`);
  await isLogged(t, mesh, { cluster: clusterName(client, server, 'auto'), cell: onAuto });
  const overTcp = onAuto[0] === 'ok' ? `${server} greets; hello` : 'ended';
  t.equal(await callTcp(mesh, client, server), overTcp, `TCP to ${server}`);
}

function answer([kind]: Cell, server: ServerMode): string {
  return kind === 'ok' ? `200 ${server}` : ANSWERS[kind];
}

/** Status, flags and reason in the access log of the client's sidecar. */
async function isLogged(
  t: Test,
  { clientSidecar }: MtlsMesh,
  { cluster, cell: [kind, reason] }: { readonly cluster: string; readonly cell: Cell },
): Promise<void> {
  const line = kind === 'ok' ? `${cluster} 200 - ${reason}` : `${cluster} 503 ${kind} ${reason}`;
  await eventually(() => clientSidecar.output.includes(`${cluster} `));
  await eventually(() => clientSidecar.output.includes(`${line}\n`)).catch(() => undefined);
  const lines = clientSidecar.output.split('\n').filter((each) => each.startsWith(`${cluster} `));
  t.same(lines, [line]);
}

async function checkOutside(t: Test, mesh: MtlsMesh): Promise<void> {
  const before = refusalsOf(await mesh.serverStats());
  const logged = mesh.serverSidecar.output.length;
  for (const protocol of PROTOCOLS) {
    for (const server of SERVER_MODES) {
      const answered = protocol === 'tcp' ? `${server} greets; hello` : `200 ${server}`;
      const got = await callFromOutside(mesh, server, protocol);
      // Neither an answer nor a single octet: curl's status 000, exit 56.
      t.equal(got, server === 'STRICT' ? 'ECONNRESET' : answered, `${protocol} to ${server}`);
    }
  }
  // STRICT on a port of HTTP and one of TCP; what is detected there as well, by its TCP chain.
  t.equal(refusalsOf(await mesh.serverStats()), before + PROTOCOLS.length, 'all are counted');
  const { serverSidecar } = mesh;
  const ports = (): string[] => plainTextRefused(serverSidecar.output.slice(logged));
  await eventually(() => ports().length >= PROTOCOLS.length).catch(() => undefined);
  t.same(ports().sort(), ['7002', '8002', '9002'], 'and logged, with why and from whom');
}

/** Ports at which plain text of the client's pod was refused, by the listener's log. */
function plainTextRefused(output: string): string[] {
  const line = /^refused NR filter_chain_not_found 10\.77\.0\.2 10\.77\.0\.1:(\d+) TLS_error\|/gm;
  return [...output.matchAll(line)].map(([, port = '']) => port);
}

function refusalsOf(stats: string): number {
  const lines = stats.matchAll(/^envoy_listener_no_filter_chain_match\{[^}]*15006[^}]*\} (\d+)$/gm);
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}
