// Levels of components over /logging.
import t from 'tap';
import { withAdmin } from '../support/with-admin.ts';

t.test('levels are shown and changed: all, one, several', async (t) => {
  await withAdmin(async ({ ask }) => {
    const post = async (query: string) => (await ask(`/logging${query}`, { method: 'POST' })).body;
    t.equal(await post(''), 'active loggers:\n  admin: info\n  http: info\n');
    t.equal(await post('?level=debug'), 'active loggers:\n  admin: debug\n  http: debug\n');
    t.equal(await post('?http=trace'), 'active loggers:\n  admin: debug\n  http: trace\n');
    t.equal(
      await post('?paths=admin:off,http:warning'),
      'active loggers:\n  admin: off\n  http: warning\n',
    );
  });
});

t.test('what is not understood changes nothing and tells the usage', async (t) => {
  const wrong: readonly (readonly [string, string])[] = [
    ['nosuch=info', 'unknown logger name'],
    ['__proto__=info', 'unknown logger name'],
    ['admin=loud', 'unknown logger level'],
    ['level=loud', 'unknown logger level'],
    ['level=', 'empty logger name or empty logger level'],
    ['paths=admin', 'empty logger name or empty logger level'],
    ['paths=admin:debug,nosuch:info', 'unknown logger name'],
    ['level=debug&x=y', 'invalid number of parameters'],
    ['group=http:debug', 'group parameter requires fine-grain logging to be enabled'],
  ];
  await withAdmin(async ({ ask, backend }) => {
    for (const [query, reason] of wrong) {
      const answer = await ask(`/logging?${query}`, { method: 'POST' });
      t.equal(answer.status, 400, query);
      t.match(answer.body, `error: ${reason}\n\nusage: /logging?<name>=<level> (change`);
      t.match(answer.body, 'levels: trace debug info warning error critical off \nactive loggers:');
    }
    t.same(backend.levels, { admin: 'info', http: 'info' });
  });
});
