import t from 'tap';
import { ipVersions, namespaceAddresses } from '../../iptables-init/ip-versions.ts';
import { FakeSystem } from '../support/fake-system.ts';

t.test('IPv6 as well when the first address that others reach is one', async (t) => {
  t.same(ipVersions(['127.0.0.1', '::1', 'fe80::1', 'fd00::1', '10.0.0.1'], false), [4, 6]);
  t.same(ipVersions(['127.0.0.1', '10.0.0.1', 'fd00::1'], false), [4]);
  t.same(ipVersions(['169.254.1.1', 'fd00::1'], false), [4, 6]);
});

t.test('dual stack: when any is one', async (t) => {
  t.same(ipVersions(['10.0.0.1', 'fd00::1'], true), [4, 6]);
  t.same(ipVersions(['10.0.0.1', 'fe80::1', '::1'], true), [4]);
});

t.test('without any address there is IPv4', async (t) => {
  t.same(ipVersions([], true), [4]);
  t.same(ipVersions(['127.0.0.1', '::1'], true), [4]);
});

t.test("another namespace's addresses are those that ip(8) shows", async (t) => {
  const v4 = '1: lo    inet 127.0.0.1/8 scope host lo\n2: eth0    inet 10.0.0.5/24 brd 10.0.0.255';
  const v6 = '1: lo    inet6 ::1/128 scope host\n2: eth0    inet6 fd00::5/64 scope global';
  const system = new FakeSystem(['ip -4', { stdout: v4 }], ['ip -6', { stdout: v6 }]);
  t.same(await namespaceAddresses(system), ['127.0.0.1', '10.0.0.5', '::1', 'fd00::5']);
});
