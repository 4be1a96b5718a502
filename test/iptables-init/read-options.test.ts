import t from 'tap';
import { nameServers } from '../../iptables-init/read-options.ts';
import { captureOptions, readCommandLine } from '../support/capture-options.ts';

function errorsOf(line: string, environment: Readonly<Record<string, string>> = {}): string {
  const read = readCommandLine(line, environment);
  return read.ok ? '' : read.errors.join('\n');
}

t.test('values may stand in the same word', async (t) => {
  const options = captureOptions('-p=1 -z2 --inbound-tunnel-port=3 -m=TPROXY');
  t.equal(options.proxyPort, 1);
  t.equal(options.inboundCapturePort, 2);
  t.equal(options.inboundTunnelPort, 3);
  t.equal(options.interceptionMode, 'TPROXY');
});

t.test('the environment replaces a default, the command line wins', async (t) => {
  const environment = {
    INBOUND_CAPTURE_PORT: '7',
    ISTIO_META_DNS_CAPTURE: 'true',
    ENVOY_PORT: '8',
  };
  const read = readCommandLine('', environment, 'nameserver 1.1.1.1');
  t.equal(read.ok && read.options.capture.inboundCapturePort, 7);
  t.equal(read.ok && read.options.capture.proxyPort, 15001, 'this one reads no variable');
  t.same(read.ok && read.options.capture.dns, { servers: [{ version: 4, ip: '1.1.1.1' }] });
  const explicit = readCommandLine('-z 9', environment);
  t.equal(explicit.ok && explicit.options.capture.inboundCapturePort, 9);
  const off = readCommandLine('--redirect-dns=false', environment);
  t.equal(off.ok && off.options.capture.dns, null);
});

t.test('the proxy is user 1337 unless said otherwise, and its group is the same', async (t) => {
  t.same(captureOptions('').proxyUids, ['1337']);
  t.same(captureOptions('-u 5,envoy').proxyGids, ['5', 'envoy']);
  t.same(captureOptions('-u 5 -g 6').proxyGids, ['6']);
});

t.test('everything that is wrong is said at once, and where', async (t) => {
  const text = errorsOf('-p 0 -z 65536 -b 80,http -i 10.0.0.0/33 -x * -u root;ls -c a/b -m tproxy');
  t.match(text, "--envoy-port: '0' is not a port from 1 to 65535");
  t.match(text, "--inbound-capture-port: '65536'");
  t.match(text, "--istio-inbound-ports: 'http'");
  t.match(text, "--istio-service-cidr: '10.0.0.0/33' is not a network");
  t.match(text, "--istio-service-exclude-cidr: '*'");
  t.match(text, "--proxy-uid: 'root;ls'");
  t.match(text, "--istio-exclude-interfaces: 'a/b'");
  t.match(text, "--istio-inbound-interception-mode: 'tproxy' is not one of REDIRECT, TPROXY");
});

t.test('nothing that a shell or iptables could misread passes', async (t) => {
  for (const bad of ['-j', '$(id)', 'eth0 -j', 'a'.repeat(16), 'é']) {
    t.match(errorsOf(`--kube-virt-interfaces=${bad.replaceAll(' ', '\u00a0')}`), 'kube-virt', bad);
    t.match(errorsOf(`--proxy-uid=${bad.replaceAll(' ', '\u00a0')}$$`), 'proxy-uid', bad);
  }
  for (const bad of ['1.2.3', '01.2.3.4/8', '1.2.3.4', '::/129', '1.2.3.4/8/8', '1.2.3.4/ 8']) {
    t.match(errorsOf(`--istio-service-cidr=${bad.replaceAll(' ', '\u00a0')}`), 'service-cidr', bad);
  }
});

t.test('owner groups: one list, at most 64 of them', async (t) => {
  const included = 'ISTIO_OUTBOUND_OWNER_GROUPS';
  const excluded = `${included}_EXCLUDE`;
  t.match(errorsOf('', { [included]: 'java', [excluded]: 'ftp' }), 'exclude each other');
  const many = (count: number): string => Array.from({ length: count }, (_, n) => n).join(',');
  t.equal(errorsOf('', { [included]: many(64) }), '');
  t.match(errorsOf('', { [included]: many(65) }), '65 groups are more than 64');
  const read = readCommandLine('', { [excluded]: '888,ftp' });
  t.same(read.ok && read.options.capture.ownerGroupsExcluded, ['888', 'ftp']);
});

t.test('the loopback network stays inside 127.0.0.0/8', async (t) => {
  const name = 'ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR';
  const read = readCommandLine('', { [name]: '127.0.0.0/8' });
  t.equal(read.ok && read.options.capture.loopbackV4, '127.0.0.0/8');
  t.match(errorsOf('', { [name]: '127.0.0.0/7' }), 'is not inside 127.0.0.0/8');
  t.match(errorsOf('', { [name]: '10.0.0.0/8' }), 'is not inside 127.0.0.0/8');
});

t.test('who captures nothing is told so', async (t) => {
  const read = readCommandLine('--redirect-dns');
  t.equal(read.ok && read.notices.length, 3);
  const full = readCommandLine('-i * -b *');
  t.same(full.ok && full.notices, []);
});

t.test('resolv.conf: servers of both versions, zones and comments left out', async (t) => {
  const text = '# x\nnameserver 10.0.0.10\n nameserver\tfe80::1%eth0\nnameserver bad\nsearch a b\n';
  t.same(nameServers(text), [
    { version: 4, ip: '10.0.0.10' },
    { version: 6, ip: 'fe80::1' },
  ]);
});

t.test('nftables without iptables is refused', async (t) => {
  t.match(errorsOf('--native-nftables'), 'not supported');
});
