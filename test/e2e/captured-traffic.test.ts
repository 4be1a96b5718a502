// Which connections of a pod the rules of `istio-iptables` capture, shown with plain servers where
// the proxy would listen.
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { whyNoRule } from '../support/net-namespace.ts';
import {
  APP_USER,
  joinedPods,
  PEER_IP,
  PEER_IP6,
  POD_IP,
  POD_IP6,
  type Pod,
  type PodUser,
  PROXY_USER,
  whyNoPods,
} from '../support/pod.ts';
import type { PodOrder } from '../support/pod-program.ts';

const MAIN = fileURLToPath(new URL('../../proxy/cli/main.js', import.meta.url));
const RULES = ['-p', '15001', '-z', '15006', '-u', '1337', '-g', '1337', '-i', '*', '-b', '*'];
const skip = whyNoPods();
const ANY = '::';

interface Mesh {
  readonly pod: Pod;
  readonly peer: Pod;
  readonly app: PodUser;
  readonly proxy: PodUser;
  readonly client: PodUser;
}

function greeter(port: number, name: string): PodOrder {
  return { what: 'serve-tcp', ip: ANY, port, name };
}

/** Why the rules of some flags cannot be had here. */
function whyNot(flags: readonly string[]): string | false {
  if (skip !== false) return skip;
  if (flags.includes('--dual-stack')) {
    return whyNoRule('ip6tables-nft', '-t nat -A OUTPUT -p tcp -j REDIRECT --to-ports 1');
  }
  if (flags.includes('--redirect-dns')) {
    return whyNoRule('iptables-nft', '-t raw -A OUTPUT -p udp -j CT --zone 1');
  }
  return false;
}

/** Pods with rules; who greets a client says where its connection went. */
function withRules(
  title: string,
  flags: readonly string[],
  body: (t: Test, mesh: Mesh) => Promise<void>,
): void {
  t.test(title, { skip: whyNot(flags) }, async (t) => {
    const { pod, peer, remove } = joinedPods();
    t.teardown(remove);
    pod.run(MAIN, 'istio-iptables', ...RULES, ...flags);
    const users = { app: pod.user(APP_USER), proxy: pod.user(PROXY_USER), client: peer.user(0) };
    await users.proxy.serve(greeter(15001, 'outbound'), greeter(15006, 'inbound'));
    await users.app.serve(greeter(7001, 'app'), greeter(15021, 'health'));
    await users.client.serve(greeter(7000, 'peer'), greeter(7100, 'other port'));
    await body(t, { pod, peer, ...users });
  });
}

/** Who greets `user` at an address; the error if nobody does. */
async function whoGreets(user: PodUser, ip: string, port: number): Promise<string> {
  const { error, text = '' } = await user.do({ what: 'tcp', ip, port });
  return error === '' ? (text.split(' greets')[0] ?? '') : error;
}

withRules('all TCP goes to the proxy', ['-d', '15021'], async (t, { app, client }) => {
  t.equal(await whoGreets(app, PEER_IP, 7000), 'outbound');
  t.equal(await whoGreets(app, '10.96.0.1', 80), 'outbound', 'wherever it leads');
  t.equal(await whoGreets(client, POD_IP, 7001), 'inbound');
  t.equal(await whoGreets(client, POD_IP, 4), 'inbound', 'also where nobody listens');
});

withRules(
  'the proxy and the pod itself bypass',
  ['-d', '15021'],
  async (t, { app, proxy, client }) => {
    t.equal(await whoGreets(proxy, PEER_IP, 7000), 'peer');
    t.equal(await whoGreets(app, '127.0.0.1', 7001), 'app');
    t.equal(await whoGreets(app, POD_IP, 7001), 'app', 'to its own address');
    t.equal(await whoGreets(proxy, '127.0.0.1', 7001), 'app');
    t.equal(await whoGreets(proxy, POD_IP, 7001), 'inbound', 'a service of its own, by the proxy');
    t.equal(await whoGreets(client, POD_IP, 15021), 'health');
  },
);

const BYPASSES = ['-x', '10.96.0.0/16,10.77.0.2/32', '-o', '7100'];

withRules('excluded networks and ports bypass', BYPASSES, async (t, { app, peer }) => {
  peer.space.must('ip', 'addr', 'add', '10.96.0.1/32', 'dev', 'lo');
  peer.space.must('ip', 'addr', 'add', '10.98.0.1/32', 'dev', 'lo');
  t.equal(await whoGreets(app, '10.96.0.1', 7000), 'peer');
  t.equal(await whoGreets(app, PEER_IP, 7000), 'peer');
  t.equal(await whoGreets(app, '10.98.0.1', 7000), 'outbound');
  t.equal(await whoGreets(app, '10.98.0.1', 7100), 'other port');
});

const LISTED = ['-b', '7001', '-i', '10.98.0.0/16', '-q', '7100'];

withRules('only what is listed', LISTED, async (t, { app, client }) => {
  t.equal(await whoGreets(client, POD_IP, 7001), 'inbound');
  t.equal(await whoGreets(client, POD_IP, 15021), 'health');
  t.equal(await whoGreets(app, PEER_IP, 7000), 'peer');
  t.equal(await whoGreets(app, PEER_IP, 7100), 'outbound');
  t.equal(await whoGreets(app, '10.98.0.1', 7000), 'outbound');
});

const DNS = ['--redirect-dns', '--capture-all-dns'];

withRules('DNS over UDP and TCP goes to the agent', DNS, async (t, { app, proxy, client }) => {
  const dns = (ip: string, port: number, name: string): PodOrder[] => [
    { what: 'serve-udp', ip, port, name },
    { what: 'serve-tcp', ip, port, name },
  ];
  await proxy.serve(...dns('127.0.0.1', 15053, 'agent'));
  await client.serve(...dns('0.0.0.0', 53, 'upstream'));
  const query = { what: 'udp', ip: PEER_IP, port: 53, text: 'a?' } as const;
  t.match(await app.do(query), { error: '', text: `agent heard a? at ${PEER_IP}:53` });
  t.match(await proxy.do(query), { text: 'upstream heard a?' }, 'its own queries go out');
  t.equal(await whoGreets(app, PEER_IP, 53), 'agent');
  t.equal(await whoGreets(proxy, PEER_IP, 53), 'upstream');
});

withRules('IPv6 beside IPv4', ['--dual-stack'], async (t, { app, proxy, client }) => {
  t.equal(await whoGreets(app, PEER_IP6, 7000), 'outbound');
  t.equal(await whoGreets(app, PEER_IP, 7000), 'outbound');
  t.equal(await whoGreets(proxy, PEER_IP6, 7000), 'peer');
  t.equal(await whoGreets(client, POD_IP6, 7001), 'inbound');
  t.equal(await whoGreets(app, '::1', 7001), 'app');
});

withRules('invalid packets are dropped, the others pass', ['--drop-invalid'], async (t, mesh) => {
  t.equal(await whoGreets(mesh.client, POD_IP, 7001), 'inbound');
  t.match(mesh.pod.space.must('iptables-nft', '-t', 'mangle', '-S'), 'INVALID -j ISTIO_DROP');
});

withRules('an excluded interface is left alone', ['-c', 'eth0'], async (t, { app, client }) => {
  t.equal(await whoGreets(app, PEER_IP, 7000), 'peer');
  t.equal(await whoGreets(client, POD_IP, 7001), 'app');
});
