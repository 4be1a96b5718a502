import t from 'tap';
import { HostSet } from '../../../proxy/upstream/host-set.ts';
import { overrideHostOf } from '../../../proxy/upstream/lb/override-host.ts';
import { host } from '../../support/hosts.ts';

const wanting = (address: string) => ({
  ...{ address, isStrict: true, missingStatus: 503, isMissing: false },
});

t.test('a member is found by its address, if its health allows it', async (t) => {
  const [first, second] = [host(), host()];
  const set = new HostSet([first, second, host()]);
  const wanted = wanting(second.address.text);
  t.equal(overrideHostOf(set, wanted, ['healthy']), second);
  t.notOk(wanted.isMissing);
  t.equal(overrideHostOf(set, wanted, ['degraded']), null);
  t.notOk(wanted.isMissing, 'it is a member all the same');
  const other = wanting('192.0.2.1:1');
  t.equal(overrideHostOf(set, other, ['healthy']), null);
  t.ok(other.isMissing);
  const single = new HostSet([first]);
  t.equal(overrideHostOf(single, wanting(first.address.text), ['healthy']), first);
  t.equal(overrideHostOf(single, wanted, ['healthy']), null);
});
