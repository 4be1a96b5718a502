import t from 'tap';
import { socketAddress } from '../../proxy/base/address.ts';
import type { ActiveListener } from '../../proxy/listener/active-listener.ts';
import { ListenersByAddress } from '../../proxy/listener/listeners-by-address.ts';

const listener = (...ends: (readonly [string, number])[]): ActiveListener => {
  const addresses = ends.map(([ip, port]) => socketAddress(ip, port));
  return { config: { addresses } } as unknown as ActiveListener;
};

const service = listener(['10.0.0.1', 80], ['2001:db8::1', 80]);
const anyV4 = listener(['0.0.0.0', 80]);
const anyV6 = listener(['::', 81]);
const table = new ListenersByAddress([service, anyV4, anyV6]);
const find = (ip: string, port: number): ActiveListener | null =>
  table.find(socketAddress(ip, port));

t.test('the address itself comes before its port on any address', async (t) => {
  t.equal(find('10.0.0.1', 80), service);
  t.equal(find('2001:db8::1', 80), service);
  t.equal(find('10.0.0.2', 80), anyV4);
  t.equal(find('2001:db8::2', 81), anyV6);
});

t.test('other ports and the other IP version are nobody’s', async (t) => {
  t.equal(find('10.0.0.1', 81), null);
  t.equal(find('2001:db8::2', 80), null);
});
