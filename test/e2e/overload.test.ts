// What the overload manager does when the heap is beyond its limit: every worker refuses, the admin
// interface answers.
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { rawConnect } from '../support/raw-peer.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { startProcess, TestDirectory } from '../support/with-process.ts';

const DEADLINE_MS = 20_000;
const HEAP = 'envoy.resource_monitors.fixed_heap';

function bootstrap(action: string): Message {
  const routes = [{ match: { prefix: '/' }, direct_response: { status: 200 } }];
  const type =
    'type.googleapis.com/envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig';
  return {
    ...bootstrapOf([httpListener('in', { virtual_hosts: [virtualHost(['*'], routes)] })], []),
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    overload_manager: {
      refresh_interval: '0.1s',
      resource_monitors: [
        { name: HEAP, typed_config: { '@type': type, max_heap_size_bytes: 1024 } },
      ],
      actions: [
        {
          name: `envoy.overload_actions.${action}`,
          triggers: [{ name: HEAP, threshold: { value: 0.9 } }],
        },
      ],
    },
  };
}

/** What a client on a new connection gets, as far as it is text; '' when it is closed. */
async function ask(port: number): Promise<string> {
  const peer = await rawConnect(`127.0.0.1:${port}`);
  peer.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  const head = await peer.takeThrough('\r\n\r\n', DEADLINE_MS);
  peer.close();
  return head ?? '';
}

for (const [action, pattern] of [
  ['stop_accepting_requests', /^HTTP\/1\.1 503 .*connection: close/s],
  ['disable_http_keepalive', /^HTTP\/1\.1 200 .*connection: close/s],
  ['reject_incoming_connections', /^$/],
] as const) {
  t.test(action, async (t) => {
    const directory = new TestDirectory();
    const config = directory.write('config.json', bootstrap(action));
    const proxy = await startProcess(directory, config, '--concurrency', '2');
    try {
      const port = proxy.ports['in'] ?? 0;
      await eventually(async () => {
        for (let count = 0; count < 8; count += 1) {
          if (!pattern.test(await ask(port))) return false;
        }
        return true;
      }, DEADLINE_MS);
      const url = `http://127.0.0.1:${proxy.adminPort}/stats?filter=^overload.*active$`;
      const name = `overload.envoy.overload_actions.${action}.active`;
      // The first worker tells it, when it looks.
      await eventually(
        async () => (await (await fetch(url)).text()) === `${name}: 1\n`,
        DEADLINE_MS,
      );
      t.pass('statistics tell it');
    } finally {
      proxy.command.signal('SIGKILL');
      await proxy.command.ended;
      directory.remove();
    }
  });
}
