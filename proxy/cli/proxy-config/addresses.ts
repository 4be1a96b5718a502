// Addresses of listeners and endpoints (core.v3.Address) as istioctl prints them.
import { isRecord, type JsonRecord, member, record, text } from './json-fields.ts';

/** Where something listens or is. */
export interface PlaceText {
  readonly address: string;
  /** 0: it has none. */
  readonly port: number;
}

/** `pipePrefix` goes before a pipe's path. */
export function placeText(address: JsonRecord, pipePrefix: string): PlaceText {
  const socket = member(address, 'socket_address');
  if (isRecord(socket)) {
    return { address: text(socket, 'address'), port: Number(text(socket, 'port_value')) };
  }
  const path = text(record(address, 'pipe'), 'path');
  if (path !== '') return { address: `${pipePrefix}${path}`, port: 0 };
  const internal = record(address, 'envoy_internal_address');
  const listener = text(internal, 'server_listener_name');
  const endpoint = text(internal, 'endpoint_id');
  if (listener === '') return { address: '', port: 0 };
  return { address: `envoy://${listener}/${endpoint}`, port: 0 };
}

/** With its port, unless it has none; IPv6 stays without brackets, as istioctl prints it. */
export function withPort({ address, port }: PlaceText): string {
  return port === 0 ? address : `${address}:${port}`;
}
