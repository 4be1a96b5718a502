// config.core.v3.Address out of the text of an address.

/** `ip:port`, `[ip]:port` and `envoy://listener/id`; anything else is a pipe. */
export function addressJson(text: string): object {
  const match = /^(?:\[([^\]]+)\]|([^:/]+)):(\d+)$/.exec(text);
  if (match === null) return internalJson(text) ?? { pipe: { path: text } };
  const address = match[1] ?? match[2] ?? '';
  return { socket_address: { address, port_value: Number(match[3]) } };
}

function internalJson(text: string): object | null {
  const match = /^envoy:\/\/([^/]*)\/(.*)$/.exec(text);
  if (match === null) return null;
  const [, listener = '', id = ''] = match;
  const named = { server_listener_name: listener };
  return { envoy_internal_address: id === '' ? named : { ...named, endpoint_id: id } };
}
