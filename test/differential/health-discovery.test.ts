// Health checks that a server asks for (HDS), beside Envoy: what it is told at first, how hosts are
// found to be, what is counted.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { create, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import t, { type Test } from 'tap';
import {
  EndpointHealthResponseSchema,
  HealthCheckRequestOrEndpointHealthResponseSchema,
  HealthCheckSpecifierSchema,
} from '../../proxy/api/gen/envoy/service/health/v3/hds_pb.js';
import { apiRegistry } from '../../proxy/api/registry.ts';
import type { ServedStream } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { KEPT } from '../support/kept-connections.ts';
import { reportOf, reportsOf } from '../support/report-streams.ts';
import { playToBoth, type ServedTwin, serverCluster } from '../support/served-twins.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const SCHEMA = HealthCheckRequestOrEndpointHealthResponseSchema;

interface Hosts {
  readonly well: number;
  readonly ill: number;
  readonly silent: number;
}

async function listening(t: Test, server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function startHosts(t: Test): Promise<Hosts> {
  const answering = (status: number) =>
    http.createServer(KEPT, (_, response) => response.writeHead(status).end());
  const sockets = new Set<net.Socket>();
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  return {
    well: await listening(t, answering(200)),
    ill: await listening(t, answering(503)),
    silent: await listening(
      t,
      net.createServer((socket) => sockets.add(socket)),
    ),
  };
}

function bootstrap(port: number): Record<string, unknown> {
  const services = [{ envoy_grpc: { cluster_name: 'hds' } }];
  return {
    node: { id: 'node', cluster: 'test', metadata: { a: 'b' } },
    static_resources: { clusters: [serverCluster('hds', port)] },
    hds_config: { api_type: 'GRPC', transport_api_version: 'V3', grpc_services: services },
  };
}

const endpoint = (port: number) => ({
  address: { socket_address: { address: '127.0.0.1', port_value: port } },
});

const check = (kind: object) => ({
  ...{ timeout: '0.2s', interval: '0.1s', no_traffic_interval: '0.1s' },
  ...{ unhealthy_threshold: 1, healthy_threshold: 1, ...kind },
});

function specifier({ well, ill, silent }: Hosts): Record<string, unknown> {
  const http_health_check = { path: '/health' };
  return {
    interval: '0.1s',
    cluster_health_checks: [
      {
        cluster_name: 'web',
        health_checks: [check({ http_health_check })],
        locality_endpoints: [
          { locality: { region: 'a', zone: 'x' }, endpoints: [endpoint(well), endpoint(ill)] },
          { locality: { region: 'b' }, endpoints: [endpoint(silent)] },
        ],
      },
      {
        cluster_name: 'tcp',
        health_checks: [check({ tcp_health_check: {} })],
        locality_endpoints: [{ endpoints: [endpoint(well), endpoint(1)] }],
      },
    ],
  };
}

function ask(stream: ServedStream, fields: Record<string, unknown>): void {
  const options = { registry: apiRegistry };
  const message = fromJson(HealthCheckSpecifierSchema, fields as JsonValue, options);
  stream.sendOctets(toBinary(HealthCheckSpecifierSchema, message));
}

/** The last response as JSON, without ports. */
function seen(stream: ServedStream, { well, ill, silent }: Hosts): unknown {
  const { requestType: last } = reportsOf(stream, SCHEMA).at(-1) ?? create(SCHEMA);
  if (last.case !== 'endpointHealthResponse') return null;
  const text = JSON.stringify(toJson(EndpointHealthResponseSchema, last.value));
  const names = new Map([well, ill, silent].map((port, index) => [port, `host ${index}`]));
  return JSON.parse(
    text.replace(
      /"portValue":(\d+)/g,
      (_, port) => `"portValue":"${names.get(Number(port)) ?? port}"`,
    ),
  );
}

function scriptFor(hosts: Hosts) {
  return async ({ admin, plane }: ServedTwin) => {
    const stream = await plane.stream(0);
    const { requestType: first } = await reportOf(stream, SCHEMA, 1);
    const log: unknown[] = [stream.method];
    if (first.case === 'healthCheckRequest') {
      const { capability, node } = first.value;
      log.push(node?.id, node?.metadata, capability?.healthCheckProtocols);
    }
    const url = await admin;
    ask(stream, specifier(hosts));
    const settled = async (wanted: readonly string[]) => {
      await eventually(() => {
        const found = JSON.stringify(seen(stream, hosts) ?? '').match(/"healthStatus":"\w+"/g);
        return wanted.every((status) => found?.includes(`"healthStatus":"${status}"`) === true);
      });
      const from = stream.octets.length;
      await eventually(() => stream.octets.length > from + 2);
      log.push(seen(stream, hosts));
    };
    await settled(['HEALTHY', 'UNHEALTHY', 'TIMEOUT']);
    ask(stream, specifier(hosts));
    // No checks at all, and a rule that is broken.
    ask(stream, { cluster_health_checks: [{ cluster_name: 'web', health_checks: [{}] }] });
    await settled(['HEALTHY', 'UNHEALTHY', 'TIMEOUT']);
    const { well } = hosts;
    ask(stream, {
      interval: '0.05s',
      cluster_health_checks: [
        {
          cluster_name: 'web',
          health_checks: [check({ http_health_check: { path: '/' } })],
          locality_endpoints: [{ endpoints: [endpoint(well)] }],
        },
      ],
    });
    await eventually(() => !JSON.stringify(seen(stream, hosts)).includes('tcp'));
    await settled(['HEALTHY']);
    const text = await (await fetch(`${url}/stats?filter=hds_delegate`)).text();
    const stats = text
      .trim()
      .split('\n')
      .filter((line) => !line.includes('responses'));
    log.push(stats.sort());
    return log;
  };
}

t.test('checks and tells as Envoy does', { skip: withoutEnvoy }, async (t) => {
  const hosts = await startHosts(t);
  const { envoy, ours } = await playToBoth(bootstrap, scriptFor(hosts));
  t.same(ours, envoy);
});
