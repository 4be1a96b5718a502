import t from 'tap';
import { type AuthorityOptions, portStart, stripAuthority } from '../../proxy/routing/authority.ts';

const LISTENER_PORT = 8080;

function strip(authority: string, options: Partial<AuthorityOptions>): string {
  const all: AuthorityOptions = { stripTrailingHostDot: false, stripHostPort: 'no', ...options };
  return stripAuthority(authority, all, LISTENER_PORT);
}

t.test('strips what each option names and nothing else', async (t) => {
  const cases: readonly (readonly [given: string, dot: string, matching: string, any: string])[] = [
    ['h.test', 'h.test', 'h.test', 'h.test'],
    ['h.test.', 'h.test', 'h.test.', 'h.test.'],
    ['h.test..', 'h.test.', 'h.test..', 'h.test..'],
    ['h.test.:80', 'h.test:80', 'h.test.:80', 'h.test.'],
    ['h.test:80', 'h.test:80', 'h.test:80', 'h.test'],
    ['h.test:8080', 'h.test:8080', 'h.test', 'h.test'],
    ['h.test:08080', 'h.test:08080', 'h.test', 'h.test'],
    ['h.test:99999', 'h.test:99999', 'h.test:99999', 'h.test'],
    ['h.test:99999999999', 'h.test:99999999999', 'h.test:99999999999', 'h.test:99999999999'],
    ['h.test:', 'h.test:', 'h.test:', 'h.test:'],
    ['h.test:abc', 'h.test:abc', 'h.test:abc', 'h.test:abc'],
    ['h.test:8/', 'h.test:8/', 'h.test:8/', 'h.test:8/'],
    ['[::1]', '[::1]', '[::1]', '[::1]'],
    ['[::1]:80', '[::1]:80', '[::1]:80', '[::1]'],
    ['[::1]:8080', '[::1]:8080', '[::1]', '[::1]'],
    ['[::ffff:1.2.3.4]:80', '[::ffff:1.2.3.4]:80', '[::ffff:1.2.3.4]:80', '[::ffff:1.2.3.4]'],
    ['', '', '', ''],
    ['.', '', '.', '.'],
  ];
  for (const [given, dot, matching, any] of cases) {
    t.equal(strip(given, {}), given);
    t.equal(strip(given, { stripTrailingHostDot: true }), dot, given);
    t.equal(strip(given, { stripHostPort: 'matching' }), matching, given);
    t.equal(strip(given, { stripHostPort: 'any' }), any, given);
  }
});

t.test('takes the dot off first, then the port', async (t) => {
  const both: AuthorityOptions = { stripTrailingHostDot: true, stripHostPort: 'matching' };
  t.equal(strip('h.test.:8080', both), 'h.test');
  t.equal(strip('h.test.:80', both), 'h.test:80');
});

t.test('finds the port outside of brackets only', async (t) => {
  t.equal(portStart('h:1'), 1);
  t.equal(portStart('[::1]'), -1);
  t.equal(portStart('[::1]:1'), 5);
  t.equal(portStart('h'), -1);
});
