// /explain: what is passed on, what is refused, both formats.
import t from 'tap';
import { withAdmin } from '../support/with-admin.ts';

t.test('passes the question on as it was asked', async (t) => {
  await withAdmin(async ({ ask, backend }) => {
    const query = [
      'url=http%3A%2F%2Fa%3A80%2Fx%3Fy%3D1&method=POST&header=a%3A%201&header=b%3A%202',
      'listener=l&protocol=http2&client=10.0.0.1&random=7',
    ].join('&');
    const answer = await ask(`/explain?${query}`);
    t.equal(answer.status, 200);
    t.equal(answer.body, 'text\n');
    t.same(backend.commands, [
      {
        ...{ method: 'POST', url: 'http://a:80/x?y=1', headers: ['a: 1', 'b: 2'] },
        ...{ listener: 'l', isHttp2: true, client: '10.0.0.1', random: 7 },
      },
    ]);
  });
});

t.test('asks for GET unless told otherwise, and answers in JSON', async (t) => {
  await withAdmin(async ({ ask, backend }) => {
    const answer = await ask('/explain?url=http://a/&format=json');
    t.equal(answer.headers['content-type'], 'application/json');
    t.equal(answer.body, '{}\n');
    t.match(backend.commands, [{ method: 'GET', isHttp2: false, client: '127.0.0.1', random: 0 }]);
  });
});

t.test('says what is wrong with a question', async (t) => {
  await withAdmin(async ({ ask }) => {
    const questions: readonly (readonly [string, RegExp])[] = [
      ['', /^url is missing: \/explain\?url=/],
      ['?url=bad', /^no URL\nno luck\n$/],
      ['?url=http://a/&client=here', /client: 'here' is no IP address/],
      ['?url=http://a/&random=4294967296', /random: '4294967296' is not a whole number/],
    ];
    for (const [query, reason] of questions) {
      const answer = await ask(`/explain${query}`);
      t.equal(answer.status, 400, query);
      t.match(answer.body, reason);
    }
  });
});
