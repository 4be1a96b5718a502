// /upgrade: what is passed on, and how the outcome is told.
import t from 'tap';
import { withAdmin } from '../support/with-admin.ts';

t.test('passes on what is asked for, and answers with the outcome', async (t) => {
  await withAdmin(async ({ ask, backend }) => {
    const post = (query: string) => ask(`/upgrade${query}`, { method: 'POST' });
    t.match(await post(''), { status: 200, body: 'how it went\n' });
    t.match(await post('?deadline_ms=5&request=%2Ftmp%2Fr'), { status: 503 });
    t.same(backend.commands, [
      { requestPath: '', deadlineMs: 120_000 },
      { requestPath: '/tmp/r', deadlineMs: 5 },
    ]);
    t.match(await post('?deadline_ms=0'), { status: 400, body: /'0' is no number/ });
    t.equal((await ask('/upgrade')).status, 405, 'POST only');
  });
});
