import t from 'tap';
import {
  type Cidr,
  CidrTable,
  makeCidr,
  parseCidr,
  unmapped,
} from '../../proxy/base/cidr-table.ts';
import { parseIp } from '../../proxy/base/ip-address.ts';
import { seededRandom } from '../support/seeded-random.ts';

const octets = (ip: string): readonly number[] => parseIp(ip) as readonly number[];
const cidr = (text: string): Cidr => parseCidr(text) as Cidr;

t.test('reads networks and single addresses, and clears host bits', async (t) => {
  t.same(parseCidr('10.1.2.3/8'), { octets: [10, 0, 0, 0], length: 8 });
  t.same(parseCidr('10.1.2.3/13'), { octets: [10, 0, 0, 0], length: 13 });
  t.same(parseCidr('10.15.2.3/13'), { octets: [10, 8, 0, 0], length: 13 });
  t.same(parseCidr('10.1.2.3'), { octets: [10, 1, 2, 3], length: 32 });
  t.same(parseCidr('1.2.3.4/0'), { octets: [0, 0, 0, 0], length: 0 });
  t.same(parseCidr('::1')?.length, 128);
  t.same(parseCidr('2001:db8:ffff::/33'), makeCidr(octets('2001:db8:8000::'), 33));
});

t.test('what is no network is null', async (t) => {
  for (const text of ['', '/', '10.0.0.0/', '10.0.0.0/33', '::/129', '10.0.0/8', 'a/8']) {
    t.equal(parseCidr(text), null, text);
  }
  for (const text of ['10.0.0.0/-1', '10.0.0.0/8/8', '10.0.0.0/ 8', '10.0.0.0/1e1']) {
    t.equal(parseCidr(text), null, text);
  }
});

t.test('an IPv4 address inside IPv6 is an IPv4 address', async (t) => {
  t.same(unmapped(octets('::ffff:10.1.2.3')), [10, 1, 2, 3]);
  t.same(unmapped(octets('::fffe:10.1.2.3')), octets('::fffe:10.1.2.3'));
  t.same(unmapped([10, 1, 2, 3]), [10, 1, 2, 3]);
});

t.test('the longest network wins, whatever the order of entry', async (t) => {
  const table = new CidrTable<string>();
  for (const text of ['10.0.0.0/8', '0.0.0.0/0', '10.1.2.3/32', '10.1.0.0/16', '::/0']) {
    table.set(cidr(text), text);
  }
  t.equal(table.lookup(octets('10.1.2.3')), '10.1.2.3/32');
  t.equal(table.lookup(octets('10.1.2.4')), '10.1.0.0/16');
  t.equal(table.lookup(octets('10.2.0.1')), '10.0.0.0/8');
  t.equal(table.lookup(octets('11.0.0.1')), '0.0.0.0/0');
  t.equal(table.lookup(octets('::1')), '::/0');
});

t.test('IP versions do not mix, and an empty table holds nothing', async (t) => {
  const table = new CidrTable<string>();
  t.equal(table.lookup(octets('10.0.0.1')), undefined);
  table.set(cidr('0.0.0.0/0'), 'all of IPv4');
  t.equal(table.lookup(octets('::1')), undefined);
});

t.test('a network has one value, the last; others of its address are others', async (t) => {
  const table = new CidrTable<string>();
  table.set(cidr('10.0.0.0/8'), 'first');
  table.set(cidr('10.9.9.9/8'), 'second');
  t.equal(table.get(cidr('10.0.0.0/8')), 'second');
  t.equal(table.get(cidr('10.0.0.0/9')), undefined);
});

t.test('agrees with a comparison of bits over random networks', async (t) => {
  const random = seededRandom(7);
  const some = (below: number): number => Math.floor(random.next() * below);
  const table = new CidrTable<Cidr>();
  const all: Cidr[] = [];
  for (let count = 0; count < 300; count += 1) {
    const network = makeCidr([some(3), some(4), some(4), some(256)], some(33));
    table.set(network, network);
    all.push(network);
  }
  const bits = (address: readonly number[]): string =>
    address.map((octet) => octet.toString(2).padStart(8, '0')).join('');
  for (let count = 0; count < 1000; count += 1) {
    const address = [some(3), some(4), some(4), some(256)];
    const holding = all.filter(({ octets: first, length }) =>
      bits(address).startsWith(bits(first).slice(0, length)),
    );
    const longest = Math.max(-1, ...holding.map(({ length }) => length));
    t.equal(table.lookup(address)?.length ?? -1, longest, address.join('.'));
  }
});
