// Events of health checks as lines of JSON, as Envoy writes its data.core.v3.HealthCheckEvent.
import type { SocketAddress } from '../../base/address.ts';
import type { EndpointConfig } from '../../model/cluster.ts';
import type { CheckerConfig } from '../../model/health-check.ts';
import type { CheckEvent } from './checked-host.ts';

/** One event with where it happened. */
export interface LoggedEvent {
  readonly checker: CheckerConfig['kind'];
  readonly cluster: string;
  readonly address: SocketAddress;
  readonly endpoint: Pick<EndpointConfig, 'metadata' | 'locality'>;
  readonly event: CheckEvent;
  /** Wall-clock ms. */
  readonly wallMs: number;
}

/** The line, with its end, as a byte string; members in the order of Envoy's. */
export function checkEventText(logged: LoggedEvent): string {
  const { checker, cluster, address, endpoint, event, wallMs } = logged;
  const [beforeTime, afterTime, last] = eventJson(event);
  const hasMetadata = Object.keys(endpoint.metadata).length > 0;
  const { region, zone, subZone } = endpoint.locality;
  const line = {
    health_checker_type: checker.toUpperCase(),
    host: addressJson(address),
    cluster_name: cluster,
    ...beforeTime,
    timestamp: new Date(wallMs).toISOString(),
    ...afterTime,
    ...(hasMetadata && {
      metadata: { filter_metadata: endpoint.metadata, typed_filter_metadata: {} },
    }),
    locality: { region, zone, sub_zone: subZone },
    ...last,
  };
  return Buffer.from(`${JSON.stringify(line)}\n`).toString('latin1');
}

function addressJson({ ip, port }: SocketAddress): object {
  if (port < 0) return { pipe: { path: ip, mode: 0 } };
  return {
    socket_address: {
      ...{ protocol: 'TCP', address: ip, port_value: port, resolver_name: '' },
      ...{ ipv4_compat: false, network_namespace_filepath: '' },
    },
  };
}

/** Its member, in one of the places where Envoy's field numbers put it. */
function eventJson(event: CheckEvent): readonly [object, object, object] {
  switch (event.kind) {
    case 'add-healthy':
      return [{ add_healthy_event: { first_check: event.isFirstCheck } }, {}, {}];
    case 'eject-unhealthy': {
      const { type, status } = event;
      return [{ eject_unhealthy_event: { failure_type: type, http_status_code: status } }, {}, {}];
    }
    case 'failure': {
      const { type, isFirstCheck, status } = event;
      const failure = { failure_type: type, first_check: isFirstCheck, http_status_code: status };
      return [{}, { health_check_failure_event: failure }, {}];
    }
    case 'success':
      return [{}, {}, { successful_health_check_event: {} }];
    case 'degraded':
      return [{}, { degraded_healthy_host: {} }, {}];
    case 'no-longer-degraded':
      return [{}, { no_longer_degraded_host: {} }, {}];
  }
}
