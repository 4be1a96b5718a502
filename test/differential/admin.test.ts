// Our admin interface beside Envoy's: status, header fields and every text that does not depend on
// what the proxy is doing.
import t from 'tap';
import { withAdmin } from '../support/with-admin.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';

/** Answers that must be equal to the byte. */
const SAME: readonly (readonly [method: string, path: string])[] = [
  ['GET', '/ready'],
  ['GET', '/ready?x'],
  ['PUT', '/ready'],
  ['GET', '/logging'],
  ['DELETE', '/logging'],
  ['GET', '/quitquitquit'],
  ['GET', '/drain_listeners'],
  ['GET', '/certs'],
  ['GET', '/init_dump'],
  ['GET', '/stats?filter=nothing_at_all'],
  ['GET', '/stats?format=json&filter=nothing_at_all'],
  ['GET', '/stats?type=Foo'],
  ['GET', '/stats/prometheus?type=Foo'],
  ['GET', '/stats/prometheus?filter=nothing_at_all'],
  ['GET', '/stats/prometheus?histogram_buckets=detailed'],
  ['GET', '/clusters?filter=('],
  ['GET', '/clusters?filter=nothing_at_all'],
  ['GET', '/config_dump?resource=nope'],
  ['GET', '/config_dump?resource=bootstrap'],
  ['GET', '/config_dump?resource=static_endpoint_configs'],
  ['GET', '/config_dump?resource=dynamic_listeners'],
  ['GET', '/config_dump?mask=nope'],
  ['POST', '/reset_counters'],
  ['POST', '/reopen_logs'],
  ['POST', '/healthcheck/fail'],
  ['GET', '/ready'],
  ['POST', '/healthcheck/ok'],
  ['GET', '/ready'],
];

/** Answers whose status and header fields must be equal. */
const ALIKE: readonly (readonly [method: string, path: string])[] = [
  ['GET', '/'],
  ['GET', '/help'],
  ['GET', '/nope'],
  ['GET', '/stats/'],
  ['GET', '/stats'],
  ['GET', '/stats?filter=('],
  ['GET', '/stats?format=json'],
  ['GET', '/stats?format=html'],
  ['GET', '/stats?format=xml'],
  ['GET', '/stats?histogram_buckets=foo'],
  ['GET', '/stats/prometheus'],
  ['GET', '/clusters'],
  ['GET', '/clusters?format=json'],
  ['GET', '/config_dump'],
  ['GET', '/config_dump?name_regex=('],
  ['GET', '/listeners'],
  ['GET', '/memory'],
  ['GET', '/runtime'],
  ['GET', '/server_info'],
  ['GET', '/hot_restart_version'],
  ['POST', '/logging'],
  ['POST', '/logging?nosuch=info'],
  ['POST', '/logging?level=loud'],
];

/** Fields that Node or Envoy's codec adds on its own. */
const TRANSPORT = new Set([
  'date',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
]);

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

async function ask(base: string, method: string, path: string): Promise<Answer> {
  const response = await fetch(`${base}${path}`, { method });
  const headers = [...response.headers]
    .filter(([name]) => !TRANSPORT.has(name))
    // Some of Envoy's handlers add a field that all answers have anyway.
    .map(([name, value]) => [name, value.replace('nosniff, nosniff', 'nosniff')]);
  const body = await response.text();
  return { status: response.status, headers: Object.fromEntries(headers), body };
}

t.test('answers as Envoy does', { skip: withoutEnvoy }, async (t) => {
  await withEnvoy({}, async (envoy) => {
    await withAdmin(async ({ address, backend }) => {
      backend.levels = { admin: 'info' };
      const ours = `http://${address.text}`;
      for (const [method, path] of SAME) {
        t.same(await ask(ours, method, path), await ask(envoy.admin, method, path), path);
      }
      for (const [method, path] of ALIKE) {
        const { body: _ours, ...own } = await ask(ours, method, path);
        const { body: _theirs, ...expected } = await ask(envoy.admin, method, path);
        t.same(own, expected, path);
      }
    });
  });
});

t.test('the help of what both have is the same', { skip: withoutEnvoy }, async (t) => {
  await withEnvoy({}, async (envoy) => {
    await withAdmin(async ({ address }) => {
      const theirs = new Set((await ask(envoy.admin, 'GET', '/help')).body.split('\n'));
      const ours = (await ask(`http://${address.text}`, 'GET', '/help')).body.split('\n');
      const known = ours.filter((text) => /^ {2}\/(?!explain|upgrade|discovery_status)/.test(text));
      for (const line of known) t.ok(theirs.has(line), line);
    });
  });
});
