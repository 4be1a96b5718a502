// The admin interface over real sockets: binding, headers, who is refused.
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { AdminServer } from '../../proxy/admin/server.ts';
import { pipeAddress, socketAddress } from '../../proxy/base/address.ts';
import { SILENT_LOG } from '../../proxy/base/log.ts';
import { TagExtractor } from '../../proxy/stats/tags.ts';
import { eventually } from '../support/eventually.ts';
import { FakeAdminBackend } from '../support/fake-admin-backend.ts';
import { defaultBounds } from '../support/stats-sample.ts';
import { withAdmin } from '../support/with-admin.ts';

t.test('answers with the header fields of Envoy', async (t) => {
  await withAdmin(async ({ ask, logged, address }) => {
    const answer = await ask('/ready');
    t.equal(answer.status, 200);
    t.equal(answer.body, 'LIVE\n');
    t.equal(answer.headers['content-type'], 'text/plain; charset=UTF-8');
    t.equal(answer.headers['cache-control'], 'no-cache, max-age=0');
    t.equal(answer.headers['x-content-type-options'], 'nosniff');
    t.equal(answer.headers.server, 'envoy');
    t.not(address.port, 0, 'tells the port that the system chose');
    t.same(logged, [], 'loopback needs no warning');
    const head = await ask('/ready', { method: 'HEAD' });
    t.equal(head.body, '');
    t.equal(head.status, 200);
  });
});

t.test('an unknown path is answered with the list of commands', async (t) => {
  await withAdmin(async ({ ask }) => {
    for (const unknown of ['/nope', '/stats/', '/logging/']) {
      const answer = await ask(unknown);
      t.equal(answer.status, 404);
      t.match(answer.body, /^invalid path\. admin commands are:\n {2}\/: Admin home page\n/);
    }
  });
});

t.test('what changes something wants POST', async (t) => {
  const changing = [
    ...['/drain_listeners', '/healthcheck/fail', '/healthcheck/ok', '/logging'],
    ...['/quitquitquit', '/reopen_logs', '/reset_counters'],
  ];
  await withAdmin(async ({ ask, backend }) => {
    for (const endpoint of changing) {
      const answer = await ask(endpoint);
      t.equal(answer.status, 405, endpoint);
      t.equal(answer.body, 'Method GET not allowed, POST required.');
    }
    t.equal((await ask('/logging', { method: 'DELETE' })).status, 405);
    t.same(backend.commands, []);
    t.equal(backend.serverState, 'LIVE');
  });
});

t.test('a web page on another site gets nothing', async (t) => {
  await withAdmin(async ({ ask, backend, address }) => {
    const foreign = [
      { host: 'evil.example.com' },
      { host: `evil.example.com:${address.port}` },
      { origin: 'http://evil.example.com' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:1' },
      { 'sec-fetch-site': 'cross-site' },
    ];
    for (const headers of foreign) {
      const answer = await ask('/quitquitquit', { method: 'POST', headers });
      t.equal(answer.status, 403, JSON.stringify(headers));
    }
    t.same(backend.commands, []);
    const own = `127.0.0.1:${address.port}`;
    for (const headers of [
      { host: 'localhost' },
      { host: '[::1]:1' },
      { host: 'envoy:9901' },
      { host: own, origin: `http://${own}`, 'sec-fetch-site': 'same-origin' },
    ]) {
      const answer = await ask('/reset_counters', { method: 'POST', headers });
      t.equal(answer.status, 200, JSON.stringify(headers));
    }
  });
});

t.test('the exit begins once its answer is out', async (t) => {
  await withAdmin(async ({ ask, backend }) => {
    const answer = await ask('/quitquitquit', { method: 'POST' });
    t.equal(answer.body, 'OK\n');
    await eventually(() => backend.commands.includes('quit'));
  });
});

t.test('parameters may come as a form, of bounded size', async (t) => {
  await withAdmin(async ({ ask, backend }) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    await ask('/logging', { method: 'POST', headers, body: 'level=debug' });
    t.same(backend.levels, { admin: 'debug', http: 'debug' });
    const huge = await ask('/logging', { method: 'POST', headers, body: 'x'.repeat(70_000) });
    t.equal(huge.status, 413);
  });
});

t.test('a backend that fails is a 500 and a line in the log', async (t) => {
  await withAdmin(async ({ ask, backend, logged }) => {
    backend.stats = () => Promise.reject(new Error('worker gone'));
    const answer = await ask('/stats');
    t.equal(answer.status, 500);
    t.notMatch(answer.body, /worker gone/);
    t.match(logged, ['error: an admin request failed']);
    t.equal((await ask('/ready')).status, 200);
  });
});

t.test('an address for other hosts is warned about', async (t) => {
  await withAdmin(
    async ({ logged }) => {
      t.match(logged, [/^warning: the admin interface can be reached/]);
    },
    socketAddress('0.0.0.0', 0),
  );
});

t.test('a pipe is for this user alone and replaces the one left behind', async (t) => {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'admin-')), 'a.sock');
  const left = net.createServer().listen(file);
  await new Promise((resolve) => left.once('listening', resolve));
  await withAdmin(async ({ ask, address }) => {
    t.equal(address.text, file);
    t.equal(fs.statSync(file).mode & 0o777, 0o600);
    const answer = await ask('/ready', { headers: { host: 'whatever.example.com' } });
    t.equal(answer.body, 'LIVE\n', 'no browser opens a pipe');
  }, pipeAddress(file));
  left.close();
});

t.test('what cannot be bound is told, and no file is removed for it', async (t) => {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'admin-')), 'precious');
  fs.writeFileSync(file, 'data');
  const server = new AdminServer({
    backend: new FakeAdminBackend(),
    address: pipeAddress(file),
    logger: SILENT_LOG.logger('admin'),
    tags: new TagExtractor(true, []),
    boundsOf: defaultBounds,
    accessLogs: [],
  });
  await t.rejects(server.start(), { code: 'EADDRINUSE' });
  t.equal(fs.readFileSync(file, 'utf8'), 'data');
});
