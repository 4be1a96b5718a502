// Addresses and who has them: found without looking at every listener.
import t from 'tap';
import type { ListenerConfig } from '../../proxy/model/listener.ts';
import { AddressBook } from '../../proxy/server/address-book.ts';

let reads = 0;

function config(ports: readonly number[], changes: Partial<ListenerConfig> = {}): ListenerConfig {
  const addresses = ports.map((port) => ({ ip: '127.0.0.1', port, text: `127.0.0.1:${port}` }));
  const made = { bindToPort: true, isInternal: false, ...changes };
  return {
    ...made,
    get addresses() {
      reads += 1;
      return addresses;
    },
  } as unknown as ListenerConfig;
}

t.test('an address is taken until its listener has another one or is gone', async (t) => {
  const book = new AddressBook();
  book.set('a', config([80, 81]));
  t.same(book.conflictOf('b', config([79, 81])), { address: '127.0.0.1:81', listener: 'a' });
  t.equal(book.conflictOf('a', config([80])), null, 'it may keep its own');
  book.set('a', config([82]));
  t.equal(book.conflictOf('b', config([80, 81])), null);
  t.equal(book.conflictOf('b', config([82]))?.listener, 'a');
  book.set('a', null);
  t.equal(book.conflictOf('b', config([82])), null);
});

t.test('of two that have one, both have to let it go', async (t) => {
  const book = new AddressBook();
  book.set('a', config([80]));
  book.set('b', config([80]));
  book.set('a', null);
  t.equal(book.conflictOf('c', config([80]))?.listener, 'b');
  t.equal(book.conflictOf('b', config([80])), null);
  book.set('b', null);
  t.equal(book.conflictOf('c', config([80])), null);
});

t.test('port 0, listeners that bind nothing and internal ones take nothing', async (t) => {
  const book = new AddressBook();
  book.set('any', config([0]));
  book.set('unbound', config([80], { bindToPort: false }));
  book.set('inside', config([81], { isInternal: true }));
  t.equal(book.conflictOf('b', config([0, 80, 81])), null);
  book.set('a', config([80]));
  t.equal(book.conflictOf('b', config([80], { bindToPort: false })), null);
});

t.test('what others bind is not read again for each listener that comes', async (t) => {
  const book = new AddressBook();
  for (let port = 1; port <= 2000; port += 1) book.set(`l${port}`, config([port]));
  reads = 0;
  t.equal(book.conflictOf('new', config([2001])), null);
  t.equal(book.conflictOf('new', config([1000]))?.listener, 'l1000');
  t.equal(reads, 2, 'the two that were asked for');
});
