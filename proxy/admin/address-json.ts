// config.core.v3.Address out of the text of an address.

/** `ip:port` and `[ip]:port` as a socket address, anything else as a pipe. */
export function addressJson(text: string): object {
  const match = /^(?:\[([^\]]+)\]|([^:/]+)):(\d+)$/.exec(text);
  if (match === null) return { pipe: { path: text } };
  const address = match[1] ?? match[2] ?? '';
  return { socket_address: { address, port_value: Number(match[3]) } };
}
