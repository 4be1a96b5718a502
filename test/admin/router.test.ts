// The small endpoints, each with the text or JSON that Envoy gives.
import t from 'tap';
import { withAdmin } from '../support/with-admin.ts';

t.test('help and home page know every endpoint', async (t) => {
  await withAdmin(async ({ ask }) => {
    const help = (await ask('/help')).body;
    const home = await ask('/');
    t.equal(home.headers['content-type'], 'text/html; charset=UTF-8');
    for (const name of [
      ...['certs', 'clusters', 'config_dump', 'drain_listeners', 'explain', 'healthcheck/fail'],
      ...['healthcheck/ok', 'help', 'hot_restart_version', 'init_dump', 'listeners', 'logging'],
      ...['memory', 'quitquitquit', 'ready', 'reopen_logs', 'reset_counters', 'runtime'],
      ...['runtime_modify', 'server_info', 'stats', 'stats/prometheus'],
    ]) {
      t.match(help, `\n  /${name}`);
      t.match(home.body, `>${name}</`);
    }
    t.match(help, '\n  /logging (POST): query/change logging levels\n      paths: ');
    t.match(help, '; One of (text, json)\n');
    t.match(home.body, "<form action='drain_listeners' method='post'");
  });
});

t.test('ready says why it is not', async (t) => {
  await withAdmin(async ({ ask, backend }) => {
    for (const state of ['DRAINING', 'PRE_INITIALIZING', 'INITIALIZING'] as const) {
      backend.serverState = state;
      const answer = await ask('/ready');
      t.equal(answer.status, 503);
      t.equal(answer.body, `${state}\n`);
    }
  });
});

t.test('health can be failed and mended', async (t) => {
  await withAdmin(async ({ ask }) => {
    t.equal((await ask('/healthcheck/fail', { method: 'POST' })).body, 'OK\n');
    t.equal((await ask('/ready')).body, 'DRAINING\n');
    t.equal((await ask('/healthcheck/ok', { method: 'POST' })).body, 'OK\n');
    t.equal((await ask('/ready')).status, 200);
  });
});

t.test('server_info is JSON, indented by one', async (t) => {
  await withAdmin(async ({ ask }) => {
    const answer = await ask('/server_info');
    t.equal(answer.headers['content-type'], 'application/json');
    t.equal(
      answer.body,
      '{\n "version": "sha/1.0.0/Clean/RELEASE/OpenSSL",\n "state": "LIVE",\n "uptime_current_epoch": "2s",\n "uptime_all_epochs": "3s",\n "hot_restart_version": "disabled",\n "command_line_options": {\n  "concurrency": 1\n },\n "node": {\n  "id": "n1"\n }\n}\n',
    );
    t.equal((await ask('/hot_restart_version')).body, 'disabled\n');
  });
});

t.test('listeners as text and JSON; those that are not bound are left out', async (t) => {
  await withAdmin(async ({ ask }) => {
    const text = (await ask('/listeners')).body;
    t.equal(text, 'l1::127.0.0.1:80\nl1::[::1]:81\npipe::/tmp/p.sock\n');
    t.same(JSON.parse((await ask('/listeners?format=json')).body), {
      listener_statuses: [
        {
          name: 'l1',
          local_address: { socket_address: { address: '127.0.0.1', port_value: 80 } },
          additional_local_addresses: [{ socket_address: { address: '::1', port_value: 81 } }],
        },
        { name: 'pipe', local_address: { pipe: { path: '/tmp/p.sock' } } },
      ],
    });
  });
});

t.test('memory, runtime and init_dump', async (t) => {
  await withAdmin(async ({ ask, backend }) => {
    t.same(JSON.parse((await ask('/memory')).body), {
      allocated: '1',
      heap_size: '2',
      pageheap_unmapped: '3',
      pageheap_free: '4',
      total_thread_cache: '5',
      total_physical_bytes: '6',
    });
    t.same(JSON.parse((await ask('/runtime')).body), {
      entries: { 'foo.bar': { final_value: '1', layer_values: ['1', ''] } },
      layers: ['static_layer_0', 'admin'],
    });
    t.equal((await ask('/init_dump')).body, '{}\n');
    backend.initTargets = [{ name: 'listener l1', targetNames: ['rds local'] }];
    t.same(JSON.parse((await ask('/init_dump?mask=listener')).body), {
      unready_targets_dumps: [{ name: 'listener l1', target_names: ['rds local'] }],
    });
  });
});

t.test('runtime keys are changed by query or form', async (t) => {
  await withAdmin(async ({ ask, backend }) => {
    const path = '/runtime_modify';
    t.equal((await ask(path)).status, 405);
    const usage = await ask(path, { method: 'POST' });
    t.equal(usage.status, 400);
    t.match(usage.body, /^usage: \/runtime_modify\?key1=value1/);
    t.equal((await ask(`${path}?a=1&b=`, { method: 'POST' })).body, 'OK\n');
    t.strictSame(backend.commands, [['modifyRuntime', ['a', '1'], ['b', '']]]);
    backend.hasAdminLayer = false;
    const refused = await ask(`${path}?a=1`, { method: 'POST' });
    t.equal(refused.status, 503);
    t.equal(refused.body, 'No admin layer specified');
  });
});

t.test('certificates', async (t) => {
  await withAdmin(async ({ ask, backend }) => {
    t.equal((await ask('/certs')).body, '{\n "certificates": []\n}\n');
    const details = {
      path: '<inline>',
      serialNumber: 'ab01',
      subjectAltNames: [{ kind: 'uri' as const, value: 'spiffe://t/ns/a/sa/b' }],
      validFromMs: 0,
      expirationMs: 86_400_000,
      daysUntilExpiration: 1,
    };
    backend.certificates = [{ caCert: [], certChain: [details] }];
    t.same(JSON.parse((await ask('/certs')).body).certificates[0], {
      ca_cert: [],
      cert_chain: [
        {
          path: '<inline>',
          serial_number: 'ab01',
          subject_alt_names: [{ uri: 'spiffe://t/ns/a/sa/b' }],
          days_until_expiration: '1',
          valid_from: '1970-01-01T00:00:00Z',
          expiration_time: '1970-01-02T00:00:00Z',
        },
      ],
    });
  });
});

t.test('commands reach the backend with their options', async (t) => {
  await withAdmin(async ({ ask, backend }) => {
    const post = (path: string) => ask(path, { method: 'POST' });
    for (const path of ['/reset_counters', '/reopen_logs', '/drain_listeners']) {
      t.equal((await post(path)).body, 'OK\n');
    }
    await post('/drain_listeners?graceful&inboundonly');
    await post('/drain_listeners?skip_exit');
    t.same(backend.commands, [
      'reset',
      'reopen',
      ['drain', { graceful: false, inboundOnly: false, skipExit: false }],
      ['drain', { graceful: true, inboundOnly: true, skipExit: false }],
      ['drain', { graceful: false, inboundOnly: false, skipExit: true }],
    ]);
  });
});
