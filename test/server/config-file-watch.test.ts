import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { get as httpGet } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { bootstrapOf } from '../support/bootstrap-text.ts';
import { eventually } from '../support/eventually.ts';
import { type TestProxy, withProxy } from '../support/with-proxy.ts';

const root = mkdtempSync(join(tmpdir(), 'outrigger-watch-'));
t.teardown(() => rmSync(root, { recursive: true, force: true }));

function directory(name: string): string {
  const path = join(root, name);
  mkdirSync(path);
  return path;
}

/** The body of `/direct`. */
function body(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    httpGet({ host: '127.0.0.1', port, path: '/direct', agent: false }, (response) => {
      let text = '';
      response.on('data', (data: Buffer) => {
        text += data.toString();
      });
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}

function serves(proxy: TestProxy, text: string): Promise<void> {
  return eventually(async () => (await body(proxy.port)) === text);
}

async function bootstrapDump({ adminAddress }: TestProxy): Promise<object | undefined> {
  const response = await fetch(`http://${adminAddress}/config_dump`);
  return ((await response.json()) as { readonly configs: readonly object[] }).configs[0];
}

t.test('takes over what is written or renamed to it, and refuses what is bad', async (t) => {
  const file = join(directory('file'), 'config.yaml');
  const proxy = await withProxy(bootstrapOf({ body: 'one' }), { configPath: file });
  await serves(proxy, 'one');
  writeFileSync(file, JSON.stringify(bootstrapOf({ body: 'two' })));
  await serves(proxy, 'two');
  writeFileSync(`${file}.next`, JSON.stringify(bootstrapOf({ body: 'three' })));
  renameSync(`${file}.next`, file);
  await serves(proxy, 'three');
  t.equal(await proxy.stat('server.config_reload_success'), 2);

  writeFileSync(file, 'static_resources: { listener: [] }');
  await eventually(async () => (await proxy.stat('server.config_reload_rejected')) === 1);
  t.equal(await body(proxy.port), 'three');
  t.match(
    proxy.log.join('\n'),
    /configuration refused, the last good one stays in use[\s\S]*listener/,
  );
  t.match(await bootstrapDump(proxy), {
    error_state: {
      details: /config.yaml:1:\d+: static_resources.*did you mean 'listeners'/,
      last_update_attempt: /^20/,
    },
  });

  const again = JSON.stringify(bootstrapOf({ body: 'three' }));
  writeFileSync(file, again);
  await eventually(async () => (await proxy.stat('server.config_reload_success')) === 3);
  t.notHas(await bootstrapDump(proxy), { error_state: {} }, 'nothing is refused any more');

  // Written anew with what it said: nothing to do. The next change shows that it was looked at.
  writeFileSync(file, again);
  unlinkSync(file);
  writeFileSync(file, JSON.stringify(bootstrapOf({ body: 'four' })));
  await serves(proxy, 'four');
  t.equal(await proxy.stat('server.config_reload_success'), 4);
  t.notMatch(proxy.log.join('\n'), /is gone/, 'a file may be away for a moment');
  await proxy.stop();
});

t.test('follows the links of a mounted ConfigMap, and files elsewhere', async (t) => {
  const mount = directory('mount');
  const elsewhere = directory('elsewhere');
  const version = (name: string, text: string): string => {
    mkdirSync(join(mount, name));
    writeFileSync(join(mount, name, 'config.yaml'), JSON.stringify(bootstrapOf({ body: text })));
    return name;
  };
  symlinkSync(version('..v1', 'one'), join(mount, '..data'));
  symlinkSync(join('..data', 'config.yaml'), join(mount, 'config.yaml'));
  const link = join(elsewhere, 'config.yaml');
  symlinkSync(join(mount, 'config.yaml'), link);
  const proxy = await withProxy(bootstrapOf({ body: 'one' }), { configPath: link });
  await serves(proxy, 'one');
  const swap = (name: string): void => {
    symlinkSync(name, join(mount, '..data_tmp'));
    renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
  };
  swap(version('..v2', 'two'));
  await serves(proxy, 'two');
  rmSync(join(mount, '..v1'), { recursive: true });
  swap(version('..v3', 'three'));
  await serves(proxy, 'three');
  writeFileSync(join(mount, '..v3', 'config.yaml'), JSON.stringify(bootstrapOf({ body: 'four' })));
  await serves(proxy, 'four');
  t.equal(await proxy.stat('server.config_reload_rejected'), 0);
  await proxy.stop();
});

t.test('leaves the file alone when it is told to', async (t) => {
  const file = join(directory('off'), 'config.yaml');
  const options = { configPath: file, watchesConfig: false };
  const proxy = await withProxy(bootstrapOf({ body: 'one' }), options);
  const watching = await withProxy(bootstrapOf({ body: 'one' }), {
    ...options,
    watchesConfig: true,
  });
  writeFileSync(file, JSON.stringify(bootstrapOf({ body: 'two' })));
  await serves(watching, 'two');
  t.equal(await body(proxy.port), 'one');
  t.ok(await proxy.primary.reload(), 'a signal counts all the same');
  t.equal(await body(proxy.port), 'two');
  await watching.stop();
  await proxy.stop();
});

t.test('says that the file is gone, and serves on', async (t) => {
  const file = join(directory('gone'), 'config.yaml');
  const proxy = await withProxy(bootstrapOf({ body: 'one' }), { configPath: file });
  unlinkSync(file);
  await eventually(() => proxy.log.some((line) => line.includes(`${file} is gone`)));
  t.equal(await body(proxy.port), 'one');
  writeFileSync(file, JSON.stringify(bootstrapOf({ body: 'two' })));
  await serves(proxy, 'two');
  await proxy.stop();
});
