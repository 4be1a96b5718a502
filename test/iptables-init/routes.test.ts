import t from 'tap';
import { addRoutes, removeRoutes } from '../../iptables-init/routes.ts';
import { captureOptions } from '../support/capture-options.ts';
import { FakeSystem } from '../support/fake-system.ts';

const REDIRECT = captureOptions('-i * -b *');
const TPROXY = captureOptions('-i * -b * -m TPROXY -t 7 -r 8');

t.test('REDIRECT needs none but the source of the proxy in IPv6', async (t) => {
  const system = new FakeSystem();
  t.equal(await addRoutes(system, REDIRECT, 4), null);
  t.same(system.commands, []);
  t.equal(await addRoutes(system, REDIRECT, 6), null);
  t.same(system.commands, ['ip -6 addr add ::6/128 dev lo']);
});

t.test('TPROXY delivers marked packets here, once however often it is asked', async (t) => {
  const system = new FakeSystem();
  t.equal(await addRoutes(system, TPROXY, 4), null);
  t.same(system.commands, [
    'ip -4 rule del fwmark 7 lookup 8',
    'ip -4 rule add fwmark 7 lookup 8',
    'ip -4 route replace local default dev lo table 8',
  ]);
});

t.test('TPROXY without inbound capture needs none', async (t) => {
  const system = new FakeSystem();
  t.equal(await addRoutes(system, captureOptions('-i * -m TPROXY'), 4), null);
  t.same(system.commands, []);
});

t.test('what is there already is no failure, everything else is', async (t) => {
  const exists = { status: 2, stderr: 'RTNETLINK answers: File exists\n' };
  t.equal(await addRoutes(new FakeSystem(['ip -6 addr add', exists]), REDIRECT, 6), null);
  const denied = { status: 2, stderr: 'RTNETLINK answers: Operation not permitted\nmore' };
  t.equal(
    await addRoutes(new FakeSystem(['ip -4 rule add', denied]), TPROXY, 4),
    'ip -4 rule add fwmark 7 lookup 8: RTNETLINK answers: Operation not permitted',
  );
});

t.test('removing takes all of it, and does not mind what is missing', async (t) => {
  const system = new FakeSystem(['ip', { status: 2, stderr: 'No such process' }]);
  await removeRoutes(system, TPROXY, 6);
  t.same(system.commands, [
    'ip -6 addr del ::6/128 dev lo',
    'ip -6 rule del fwmark 7 lookup 8',
    'ip -6 route del local default dev lo table 8',
  ]);
});
