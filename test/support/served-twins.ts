// Outrigger and a real Envoy with the same bootstrap, each with a management server of its own that
// plays the same script to both; what the scripts bring home is compared.
import type { ServerCredentials } from '@grpc/grpc-js';
import { ControlPlane } from './control-plane.ts';
import { withEnvoy } from './with-envoy.ts';
import { withProxy } from './with-proxy.ts';

/** What a script plays with. */
export interface ServedTwin {
  readonly plane: ControlPlane;
  /** `http://127.0.0.1:port` of the admin interface, once the proxy serves. */
  readonly admin: Promise<string>;
}

/** A static cluster of servers that speak HTTP/2. */
export function serverCluster(name: string, port: number): Record<string, unknown> {
  return {
    ...{ name, type: 'STATIC', connect_timeout: '5s' },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: [
            {
              endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
            },
          ],
        },
      ],
    },
  };
}

/** Plays `script` to Outrigger, then to Envoy. `bootstrap` is made for the server's port. */
export async function playToBoth<R>(
  bootstrap: (port: number) => Record<string, unknown>,
  script: (twin: ServedTwin) => Promise<R>,
  credentials?: ServerCredentials,
): Promise<{ readonly ours: R; readonly envoy: R }> {
  const ours = await withPlane(credentials, async (plane) => {
    const admin = deferred<string>();
    const played = script({ plane, admin: admin.promise });
    played.catch(() => undefined);
    const listening = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } };
    const proxy = await withProxy({ ...bootstrap(plane.port), admin: listening });
    try {
      admin.resolve(`http://${proxy.adminAddress}`);
      return await played;
    } finally {
      await proxy.stop();
    }
  });
  const envoy = await withPlane(credentials, async (plane) => {
    const admin = deferred<string>();
    const played = script({ plane, admin: admin.promise });
    played.catch(() => undefined);
    await withEnvoy(bootstrap(plane.port), async (fixture) => {
      admin.resolve(fixture.admin);
      await played;
    });
    return await played;
  });
  return { ours, envoy };
}

async function withPlane<R>(
  credentials: ServerCredentials | undefined,
  use: (plane: ControlPlane) => Promise<R>,
): Promise<R> {
  const plane = await ControlPlane.listen(credentials === undefined ? {} : { credentials });
  try {
    return await use(plane);
  } finally {
    plane.close();
  }
}

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
