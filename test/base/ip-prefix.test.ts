import t from 'tap';
import { parseIp } from '../../proxy/base/ip-address.ts';
import { IpPrefix, ipv4Number } from '../../proxy/base/ip-prefix.ts';

function prefix(ip: string, length: number): IpPrefix {
  return new IpPrefix(parseIp(ip) ?? [], length);
}

t.test('a network holds its addresses and no other', async (t) => {
  const inside: readonly (readonly [string, number, string])[] = [
    ['10.0.0.0', 8, '10.255.255.255'],
    ['10.1.2.3', 8, '10.0.0.0'],
    ['0.0.0.0', 0, '255.255.255.255'],
    ['192.168.1.1', 32, '192.168.1.1'],
    ['192.168.1.1', 99, '192.168.1.1'],
    ['255.255.255.255', 32, '255.255.255.255'],
    ['2001:db8::', 32, '2001:db8:ffff::1'],
    ['::', 0, '::1'],
    ['fe80::', 10, 'febf::1'],
    ['::1', 128, '0:0:0:0:0:0:0:1'],
  ];
  for (const [ip, length, address] of inside) {
    t.equal(prefix(ip, length).contains(address), true, `${ip}/${length} has ${address}`);
  }
  const outside: readonly (readonly [string, number, string])[] = [
    ['10.0.0.0', 8, '11.0.0.0'],
    ['10.0.0.0', 8, '9.255.255.255'],
    ['192.168.1.1', 32, '192.168.1.2'],
    ['0.0.0.0', 0, '::1'],
    ['0.0.0.0', 0, '::ffff:1.2.3.4'],
    ['::', 0, '1.2.3.4'],
    ['fe80::', 10, 'fec0::1'],
    ['2001:db8::', 32, '2001:db9::'],
    ['0.0.0.0', 0, '/run/pipe'],
    ['::', 0, 'envoy://listener/'],
    ['0.0.0.0', 0, ''],
  ];
  for (const [ip, length, address] of outside) {
    t.equal(prefix(ip, length).contains(address), false, `${ip}/${length} lacks ${address}`);
  }
});

t.test('asking for another IPv6 address forgets the one before', async (t) => {
  const network = prefix('fe80::', 10);
  const asked = ['fe80::1', 'fe80::1', '::1', 'fe80::1', '::1', '::1'];
  t.same(
    asked.map((ip) => network.contains(ip)),
    [true, true, false, true, false, false],
  );
});

t.test('what is no dotted address is no number', async (t) => {
  t.equal(ipv4Number('0.0.0.0'), 0);
  t.equal(ipv4Number('255.255.255.255'), 2 ** 32 - 1);
  t.equal(ipv4Number('1.2.3.4'), 0x01020304);
  const rubbish = ['', '1', '1.2.3', '1.2.3.', '.1.2.3', '1..2.3', '1.2.3.4.5', '256.1.1.1'];
  for (const text of [
    ...rubbish,
    '01.2.3.4',
    '00.0.0.0',
    '1.2.3.a',
    ' 1.2.3.4',
    '-1.2.3.4',
    '1.2.3.4 ',
  ]) {
    t.equal(ipv4Number(text), -1, text);
  }
});
