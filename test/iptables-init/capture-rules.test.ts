import t from 'tap';
import type { IpVersion } from '../../iptables-init/capture-options.ts';
import { captureRules } from '../../iptables-init/capture-rules.ts';
import { restoreLines } from '../../iptables-init/rule-set.ts';
import { captureOptions } from '../support/capture-options.ts';

/** Rules of each chain in the order in which they are written: `nat OUTPUT` to texts. */
function chains(line: string, version: IpVersion = 4, resolvConf = ''): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let table = '';
  for (const text of restoreLines(captureRules(captureOptions(line, resolvConf), version))) {
    if (text.startsWith('* ')) table = text.slice(2);
    const [, how = '', chain = '', rule = ''] = /^-([AI]) (\S+) (.*)$/.exec(text) ?? [];
    if (chain === '') continue;
    const name = `${table} ${chain}`;
    found.set(name, [...(found.get(name) ?? []), how === 'I' ? `@${rule}` : rule]);
  }
  return found;
}

const SELF = '127.0.0.1/32';
const OWN = [
  '-o lo -s 127.0.0.6/32 -j RETURN',
  ...['uid', 'gid'].flatMap((kind) => [
    `-o lo ! -d ${SELF} -p tcp ! --dport 15008 -m owner --${kind}-owner 1337 -j ISTIO_IN_REDIRECT`,
    `-o lo -m owner ! --${kind}-owner 1337 -j RETURN`,
    `-m owner --${kind}-owner 1337 -j RETURN`,
  ]),
];
const TUNNEL = '-p tcp --dport 15008 -j RETURN';

t.test('without flags nothing is captured, but the chains stand', async (t) => {
  const rules = chains('');
  t.equal(rules.get('nat PREROUTING'), undefined);
  t.same(rules.get('nat OUTPUT'), ['-j ISTIO_OUTPUT']);
  t.same(rules.get('nat ISTIO_OUTPUT'), [...OWN, `-d ${SELF} -j RETURN`]);
  t.same(rules.get('nat ISTIO_INBOUND'), [TUNNEL]);
  t.same(
    [...rules.keys()].filter((name) => !name.startsWith('nat')),
    [],
  );
});

t.test('the flags of an injected pod capture everything but the ports of the agent', async (t) => {
  const rules = chains(
    '-p 15001 -z 15006 -u 1337 -m REDIRECT -i * -x "" -b * -d 15090,15021,15020',
  );
  t.same(rules.get('nat PREROUTING'), ['-p tcp -j ISTIO_INBOUND']);
  t.same(rules.get('nat ISTIO_INBOUND'), [
    TUNNEL,
    '-p tcp --dport 15090 -j RETURN',
    '-p tcp --dport 15021 -j RETURN',
    '-p tcp --dport 15020 -j RETURN',
    '-p tcp -j ISTIO_IN_REDIRECT',
  ]);
  t.same(rules.get('nat ISTIO_OUTPUT'), [...OWN, `-d ${SELF} -j RETURN`, '-j ISTIO_REDIRECT']);
  t.same(rules.get('nat ISTIO_REDIRECT'), ['-p tcp -j REDIRECT --to-ports 15001']);
  t.same(rules.get('nat ISTIO_IN_REDIRECT'), ['-p tcp -j REDIRECT --to-ports 15006']);
});

t.test('ports and the tunnel follow their flags', async (t) => {
  const rules = chains('-p 1 -z 2 -e 3 -b 80,443 -d 9');
  t.same(rules.get('nat ISTIO_REDIRECT'), ['-p tcp -j REDIRECT --to-ports 1']);
  t.same(rules.get('nat ISTIO_IN_REDIRECT'), ['-p tcp -j REDIRECT --to-ports 2']);
  t.same(
    rules.get('nat ISTIO_INBOUND'),
    [
      '-p tcp --dport 3 -j RETURN',
      '-p tcp --dport 80 -j ISTIO_IN_REDIRECT',
      '-p tcp --dport 443 -j ISTIO_IN_REDIRECT',
    ],
    'exclusions count with * only',
  );
});

t.test('outbound: ports out first, then networks out, ports in, networks in', async (t) => {
  const rules = chains('-o 53,22 -x 10.1.0.0/16,2001:db8::/32 -q 3306 -i 10.0.0.0/8,172.16.0.0/12');
  t.same(rules.get('nat ISTIO_OUTPUT'), [
    '-p tcp --dport 53 -j RETURN',
    '-p udp --dport 53 -j RETURN',
    '-p tcp --dport 22 -j RETURN',
    '-p udp --dport 22 -j RETURN',
    ...OWN,
    `-d ${SELF} -j RETURN`,
    '-d 10.1.0.0/16 -j RETURN',
    '-p tcp --dport 3306 -j ISTIO_REDIRECT',
    '-d 10.0.0.0/8 -j ISTIO_REDIRECT',
    '-d 172.16.0.0/12 -j ISTIO_REDIRECT',
  ]);
});

t.test('a network on the host itself is captured: the application is not let pass', async (t) => {
  const rules = chains('-i 127.1.2.3/32');
  const texts = rules.get('nat ISTIO_OUTPUT') ?? [];
  t.notOk(texts.some((text) => text.includes('! --uid-owner')));
  t.equal(texts.at(-1), '-d 127.1.2.3/32 -j ISTIO_REDIRECT');
});

t.test('several users and groups have their rules one behind the other', async (t) => {
  const rules = chains('-u 3,4 -g 1');
  const owners = (rules.get('nat ISTIO_OUTPUT') ?? []).map((text) => /owner (\d)/.exec(text)?.[1]);
  t.same(owners, [undefined, '3', '3', '3', '4', '4', '4', '1', '1', '1', undefined]);
});

t.test('IPv6 has its own addresses and its own networks', async (t) => {
  const rules = chains('-i 2001:db8::/32,10.0.0.0/8 -x 2001:db8:1::/48,10.1.0.0/16', 6);
  const texts = rules.get('nat ISTIO_OUTPUT') ?? [];
  t.equal(texts[0], '-o lo -s ::6/128 -j RETURN');
  t.match(texts[1], '! -d ::1/128 -p tcp');
  t.same(texts.slice(-3), [
    '-d ::1/128 -j RETURN',
    '-d 2001:db8:1::/48 -j RETURN',
    '-d 2001:db8::/32 -j ISTIO_REDIRECT',
  ]);
});

t.test('excluded interfaces come before everything; TPROXY needs them twice', async (t) => {
  const redirect = chains('-c eth9,eth8 -b * -i *');
  t.same(redirect.get('nat PREROUTING'), [
    '-i eth9 -j RETURN',
    '-i eth8 -j RETURN',
    '-p tcp -j ISTIO_INBOUND',
  ]);
  t.same(redirect.get('nat OUTPUT'), ['-o eth9 -j RETURN', '-o eth8 -j RETURN', '-j ISTIO_OUTPUT']);
  t.equal(redirect.get('mangle PREROUTING'), undefined);
  const tproxy = chains('-c eth9 -b * -m TPROXY');
  t.same(tproxy.get('nat PREROUTING'), ['-i eth9 -j RETURN']);
  t.equal(tproxy.get('mangle PREROUTING')?.[0], '-i eth9 -j RETURN');
  t.equal(tproxy.get('mangle OUTPUT')?.[0], '-o eth9 -j RETURN');
});

t.test('interfaces of virtual machines: their inbound is outbound', async (t) => {
  t.same(chains('-k eth1,eth2 -i *').get('nat PREROUTING'), [
    '@1 -i eth1 -j RETURN',
    '@1 -i eth2 -j RETURN',
    '@1 -i eth1 -j ISTIO_REDIRECT',
    '@1 -i eth2 -j ISTIO_REDIRECT',
  ]);
  t.same(chains('-k eth1 -i 10.0.0.0/8').get('nat PREROUTING'), [
    '@1 -i eth1 -j RETURN',
    '@1 -i eth1 -d 10.0.0.0/8 -j ISTIO_REDIRECT',
  ]);
});

t.test('packets that belong to no connection are dropped on request', async (t) => {
  const rules = chains('--drop-invalid');
  t.same(rules.get('mangle PREROUTING'), ['-m conntrack --ctstate INVALID -j ISTIO_DROP']);
  t.same(rules.get('mangle ISTIO_DROP'), ['-j DROP']);
});

t.test('TPROXY marks, delivers and tells its own packets apart', async (t) => {
  const rules = chains('-m TPROXY -b * -d 15020 -t 7 -z 9');
  t.equal(rules.get('nat PREROUTING'), undefined);
  t.same(rules.get('mangle ISTIO_TPROXY'), [
    `! -d ${SELF} -p tcp -j TPROXY --tproxy-mark 7/0xffffffff --on-port 9`,
  ]);
  t.same(rules.get('mangle ISTIO_DIVERT'), ['-j MARK --set-mark 7', '-j ACCEPT']);
  t.same(rules.get('mangle PREROUTING'), [
    '-p tcp -j ISTIO_INBOUND',
    '-p tcp -m mark --mark 7 -j CONNMARK --save-mark',
  ]);
  t.same(rules.get('mangle OUTPUT'), [
    '-p tcp -o lo -m mark --mark 7 -j RETURN',
    `! -d ${SELF} -p tcp -o lo -m owner --uid-owner 1337 -j MARK --set-mark 1338`,
    `! -d ${SELF} -p tcp -o lo -m owner --gid-owner 1337 -j MARK --set-mark 1338`,
    '-p tcp -m connmark --mark 7 -j CONNMARK --restore-mark',
  ]);
  t.same(rules.get('mangle ISTIO_INBOUND'), [
    '-p tcp --dport 15020 -j RETURN',
    '-p tcp -m conntrack --ctstate RELATED,ESTABLISHED -j ISTIO_DIVERT',
    '-p tcp -j ISTIO_TPROXY',
    '@1 -p tcp -m mark --mark 7 -j RETURN',
    '@2 -p tcp -s 127.0.0.6/32 -i lo -j RETURN',
    '@3 -p tcp -i lo -m mark ! --mark 1338 -j RETURN',
  ]);
});

t.test('TPROXY of listed ports has a pair of rules for each', async (t) => {
  const inbound = chains('-m TPROXY -b 80').get('mangle ISTIO_INBOUND') ?? [];
  t.same(inbound.slice(0, 2), [
    '-p tcp --dport 80 -m conntrack --ctstate RELATED,ESTABLISHED -j ISTIO_DIVERT',
    '-p tcp --dport 80 -j ISTIO_TPROXY',
  ]);
});

t.test('DNS: redirects by server, zones for the two who ask from one address', async (t) => {
  const rules = chains('--redirect-dns', 4, 'nameserver 10.0.0.10\nnameserver fd00::10\n');
  t.same(rules.get('nat ISTIO_OUTPUT_DNS'), [
    '-p tcp --dport 53 -d 10.0.0.10/32 -j REDIRECT --to-ports 15053',
    '-p udp --dport 53 -d 10.0.0.10/32 -j REDIRECT --to-port 15053',
  ]);
  t.same(rules.get('raw OUTPUT'), ['-j ISTIO_OUTPUT_DNS']);
  t.same(rules.get('raw PREROUTING'), ['-j ISTIO_INBOUND']);
  t.same(rules.get('raw ISTIO_OUTPUT_DNS'), [
    '-p udp --dport 53 -m owner --uid-owner 1337 -j CT --zone 1',
    '-p udp --sport 15053 -m owner --uid-owner 1337 -j CT --zone 2',
    '-p udp --dport 53 -m owner --gid-owner 1337 -j CT --zone 1',
    '-p udp --sport 15053 -m owner --gid-owner 1337 -j CT --zone 2',
    '-p udp --dport 53 -d 10.0.0.10/32 -j CT --zone 2',
  ]);
  t.same(rules.get('raw ISTIO_INBOUND'), ['-p udp --sport 53 -s 10.0.0.10/32 -j CT --zone 1']);
  const output = rules.get('nat ISTIO_OUTPUT') ?? [];
  t.ok(output.includes('-j ISTIO_OUTPUT_DNS'));
  t.match(output[1], '-m multiport ! --dports 53,15008 -m owner --uid-owner');
  t.match(output[2], '-o lo -p tcp ! --dport 53 -m owner ! --uid-owner');
  t.match(output[4], '-p tcp ! --dport 15008 -m owner --gid-owner');
});

t.test('DNS of the other IP version is not redirected without a server of it', async (t) => {
  const rules = chains('--redirect-dns', 6, 'nameserver 10.0.0.10');
  t.equal(rules.get('nat ISTIO_OUTPUT_DNS'), undefined);
  t.equal(rules.get('raw PREROUTING'), undefined);
  t.equal(rules.get('raw ISTIO_OUTPUT_DNS')?.length, 4);
});

t.test('DNS to whatever server needs no resolv.conf', async (t) => {
  const rules = chains('--redirect-dns --capture-all-dns');
  t.same(rules.get('nat ISTIO_OUTPUT_DNS'), [
    '-p tcp --dport 53 -j REDIRECT --to-ports 15053',
    '-p udp --dport 53 -j REDIRECT --to-port 15053',
  ]);
});

t.test('DNS without any server is left alone', async (t) => {
  const rules = chains('--redirect-dns', 4, '# empty');
  t.equal(rules.get('raw OUTPUT'), undefined);
});
