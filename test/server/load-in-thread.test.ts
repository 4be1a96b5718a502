import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { BootstrapSource } from '../../proxy/server/bootstrap-source.ts';
import { ThreadLoader } from '../../proxy/server/load-in-thread.ts';
import { DEFAULT_SERVER_OPTIONS, type ServerOptions } from '../../proxy/server/options.ts';

const GOOD = `
static_resources:
  clusters:
  - name: app
    load_assignment: { cluster_name: app }
`;

function optionsFor(t: Test, text: string): ServerOptions {
  const configPath = path.join(t.testdir(), 'c.yaml');
  writeFileSync(configPath, text);
  return { ...DEFAULT_SERVER_OPTIONS, configPath };
}

t.test('what a thread loads is what would have been loaded here', async (t) => {
  const options = optionsFor(t, GOOD);
  const [aside, here] = [
    await new ThreadLoader(options).load(),
    new BootstrapSource(options).load(),
  ];
  if (!aside.ok || !here.ok) throw new Error('refused');
  t.same(aside.resources, here.resources);
  t.same(aside.bootstrap, here.bootstrap);
  t.same(aside.problems, here.problems);
  const part = 'static_resources.clusters[0].name';
  t.same(aside.places.find(part), here.places.find(part));
  t.match(aside.places.find(part), { line: 4 });
});

t.test('what is refused comes back with its reasons and places', async (t) => {
  const options = optionsFor(t, `${GOOD}  listners: []\n`);
  const [aside, here] = [
    await new ThreadLoader(options).load(),
    new BootstrapSource(options).load(),
  ];
  t.equal(aside.ok, false);
  t.same(aside.problems, here.problems);
  t.match(aside.problems[0], { line: 6, reason: /listners/ });
});

t.test('one thread loads again and again', async (t) => {
  const options = optionsFor(t, GOOD);
  const loader = new ThreadLoader(options);
  t.ok((await loader.load()).ok);
  writeFileSync(options.configPath, 'listners: []');
  t.notOk((await loader.load()).ok, 'what is there now is read');
  writeFileSync(options.configPath, GOOD);
  t.ok((await loader.load()).ok);
});
