// The overload manager by a pressure that the test injects: what clients see at each stage.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { rawConnect } from '../support/raw-peer.ts';
import { type Json, type TwinConfig, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type Twin, withTwins } from '../support/with-twins.ts';

const RESOURCE = 'envoy.resource_monitors.injected_resource';
const DEADLINE_MS = 20_000;

const at = (value: number): readonly Json[] => [{ name: RESOURCE, threshold: { value } }];
const action = (name: string, value: number, more: Json = {}): Json => ({
  name: `envoy.overload_actions.${name}`,
  triggers: at(value),
  ...more,
});

const REDUCED: Json = {
  typed_config: typed('config.overload.v3.ScaleTimersOverloadActionConfig', {
    timer_scale_factors: [
      { timer: 'HTTP_DOWNSTREAM_CONNECTION_IDLE', min_timeout: '0.05s' },
      { timer: 'HTTP_DOWNSTREAM_STREAM_IDLE', min_scale: { value: 1 } },
    ],
  }),
};

/** The stages of the checklist: shedding from 92 % on, refusing from 95 % on. */
const config = (filename: string): TwinConfig => ({
  listeners: { main: { routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }] } },
  bootstrap: {
    overload_manager: {
      refresh_interval: '0.05s',
      resource_monitors: [
        {
          name: RESOURCE,
          typed_config: typed(
            'extensions.resource_monitors.injected_resource.v3.InjectedResourceConfig',
            { filename },
          ),
        },
      ],
      actions: [
        action('reduce_timeouts', 0.92, REDUCED),
        action('disable_http_keepalive', 0.92),
        action('stop_accepting_requests', 0.95),
      ],
      loadshed_points: [{ name: 'envoy.load_shed_points.tcp_listener_accept', triggers: at(0.99) }],
    },
  },
  log: null,
});

const GET = 'GET / HTTP/1.1\r\nhost: h.test\r\n\r\n';
const GRPC = GET.replace('\r\n\r\n', '\r\ncontent-type: application/grpc\r\n\r\n');

/** The head that answers a request on a connection of its own, sorted, without the time. */
async function headOf({ ports }: Twin, request: string): Promise<readonly string[]> {
  const peer = await rawConnect(`127.0.0.1:${ports['main']}`);
  peer.write(request);
  const head = await peer.takeThrough('\r\n\r\n', DEADLINE_MS);
  peer.close();
  const [start = '', ...fields] = (head ?? 'nothing').replace(/^date: .*$/m, 'date').split('\r\n');
  return [start, ...fields.sort()];
}

async function stats(twin: Twin): Promise<readonly string[]> {
  const filter = '^overload.envoy.*(active|percent|pressure|shed_load_count)$';
  const response = await fetch(`${twin.admin}/stats?filter=${filter}`);
  return (await response.text()).split('\n');
}

/** The number of connections that were refused at the listener is not the same twice. */
function withoutCounts(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => !line.includes('shed_load_count'));
}

t.test('does at each stage what Envoy does', { skip: withoutEnvoy }, async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'overload-'));
  t.teardown(() => fs.rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'pressure');
  fs.writeFileSync(file, '0');
  await withTwins(config(file), async (twins) => {
    const both = [twins.ours, twins.envoy];
    const press = async (pressure: number): Promise<void> => {
      fs.writeFileSync(`${file}.new`, String(pressure));
      fs.renameSync(`${file}.new`, file);
      const wanted = `overload.${RESOURCE}.pressure: ${Math.floor(pressure * 100)}`;
      for (const twin of both) await eventually(async () => (await stats(twin)).includes(wanted));
    };
    const alike = async (stage: string, status: number): Promise<void> => {
      for (const request of [GET, GRPC]) {
        const [ours, envoy] = await Promise.all(both.map((twin) => headOf(twin, request)));
        t.same(ours, envoy, stage);
        if (request === GET) t.match(ours?.[0], `HTTP/1.1 ${status} `);
      }
    };
    await alike('calm', 200);
    const idle = await Promise.all(
      both.map(async ({ ports }) => {
        const peer = await rawConnect(`127.0.0.1:${ports['main']}`);
        peer.write(GET);
        t.match(await peer.takeThrough('\r\n\r\n', DEADLINE_MS), /^HTTP\/1\.1 200/);
        return peer;
      }),
    );
    await press(0.93);
    for (const peer of idle) {
      t.equal(await peer.takeThrough('x', DEADLINE_MS), null, 'an idle connection is closed');
      peer.close();
    }
    await alike('shedding', 200);
    await press(0.96);
    await alike('refusing', 503);
    t.same(withoutCounts(await stats(twins.ours)), withoutCounts(await stats(twins.envoy)));
    await press(1);
    for (const twin of both) {
      const peer = await rawConnect(`127.0.0.1:${twin.ports['main']}`);
      t.equal(await peer.takeThrough('x', DEADLINE_MS), null, 'a connection is closed at once');
      peer.close();
      t.equal((await fetch(`${twin.admin}/ready`)).status, 200, 'the admin interface answers');
    }
    await press(0);
    await alike('calm again', 200);
  });
});
