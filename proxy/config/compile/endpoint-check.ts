// config.endpoint.v3.Endpoint.HealthCheckConfig: what one endpoint says about its health checks.
import type { Endpoint_HealthCheckConfig as Message } from '../../api/gen/envoy/config/endpoint/v3/endpoint_components_pb.js';
import { PIPE_PORT } from '../../base/address.ts';
import type { CompileContext } from '../../model/extension.ts';
import { type EndpointCheckConfig, PLAIN_ENDPOINT_CHECK } from '../../model/health-check.ts';
import { compileAddress } from './socket-address.ts';

/** Compiles it; `ownPort` is that of the endpoint's address. */
export function compileEndpointCheck(
  message: Message | undefined,
  ownPort: number,
  context: CompileContext,
): EndpointCheckConfig {
  if (message === undefined) return PLAIN_ENDPOINT_CHECK;
  const address =
    message.address === undefined ? null : compileAddress(message.address, context.at('address'));
  const port = message.portValue;
  if (port !== 0 && (address?.port ?? ownPort) <= PIPE_PORT) {
    const rule = 'Invalid host configuration: non-zero port for non-IP address';
    context.reject('port_value', `${rule}: leave it out, or give an address with an IP`);
  }
  return {
    address,
    port,
    hostname: message.hostname,
    isDisabled: message.disableActiveHealthCheck,
  };
}
