import t from 'tap';
import { DomainIndex } from '../../proxy/routing/domain-index.ts';

function indexOf(...domains: readonly string[]): DomainIndex<string> {
  const index = new DomainIndex<string>();
  for (const domain of domains) index.add(domain, domain);
  return index;
}

t.test('prefers exact, then the longest suffix, then the longest prefix, then any', async (t) => {
  const index = indexOf(
    ...['*', 'a.foo.com', '*.foo.com', '*.b.foo.com', '*-bar.foo.com', 'a.*', 'a.b.*', 'foo-*'],
  );
  const cases: readonly (readonly [host: string, domain: string])[] = [
    ['a.foo.com', 'a.foo.com'],
    ['A.Foo.COM', 'a.foo.com'],
    ['x.foo.com', '*.foo.com'],
    ['x.y.foo.com', '*.foo.com'],
    ['x.b.foo.com', '*.b.foo.com'],
    ['x-bar.foo.com', '*-bar.foo.com'],
    ['-bar.foo.com', '*.foo.com'],
    ['.foo.com', '*'],
    ['foo.com', '*'],
    ['a.test', 'a.*'],
    ['a.b.test', 'a.b.*'],
    ['a.b.foo.com', '*.b.foo.com'],
    ['a.', '*'],
    ['a.b.', 'a.*'],
    ['foo-x', 'foo-*'],
    ['a.foo.com:80', 'a.*'],
    ['', '*'],
  ];
  for (const [host, domain] of cases) t.equal(index.find(host), domain, host);
});

t.test('finds nothing where no domain matches', async (t) => {
  const index = indexOf('a.test', '*.b.test', 'c.*');
  for (const host of ['', 'b.test', '.b.test', 'c.', 'd']) t.equal(index.find(host), null, host);
});

t.test('keeps the first of equal domains', async (t) => {
  const index = new DomainIndex<number>();
  for (const domain of ['*', 'a', '*a', 'a*']) {
    index.add(domain, 1);
    index.add(domain, 2);
  }
  for (const host of ['a', 'xa', 'ax', 'x']) t.equal(index.find(host), 1, host);
});

t.test('forgets what it remembers of the last host when a domain is added', async (t) => {
  const index = indexOf('*');
  t.equal(index.find('a.test'), '*');
  t.equal(index.find('a.test'), '*');
  index.add('a.test', 'a.test');
  t.equal(index.find('a.test'), 'a.test');
  t.equal(index.find('b.test'), '*');
});
