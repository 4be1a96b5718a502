// Socket addresses as the data path uses them: numeric IP and port, a pipe, or a listener of this
// process.

/** An IP socket address, a Unix-domain path, or an InternalAddress. */
export interface SocketAddress {
  /**
   * Numeric IPv4 or IPv6 text without brackets; the path of a pipe when `port` is -1; the text of
   * an internal address when it is -2.
   */
  readonly ip: string;
  /** 0 to 65535, or -1 for a pipe, -2 for an internal address. */
  readonly port: number;
  /** `ip:port`, `[ip]:port`, or the pipe's path: built once, printed often. */
  readonly text: string;
}

/** `port` of a pipe's address. */
export const PIPE_PORT = -1;

/** Builds a SocketAddress with its text. */
export function socketAddress(ip: string, port: number): SocketAddress {
  return { ip, port, text: ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}` };
}

/** Builds the address of a Unix-domain socket. */
export function pipeAddress(path: string): SocketAddress {
  return { ip: path, port: PIPE_PORT, text: path };
}

/** `port` of addresses that name a listener of this process. */
export const INTERNAL_PORT = -2;

/** Envoy core.v3.EnvoyInternalAddress: a listener of this process that has no socket. */
export interface InternalAddress extends SocketAddress {
  readonly listenerName: string;
  /** Tells endpoints behind one listener apart; '' when it has none. */
  readonly endpointId: string;
}

/** Builds an internal address, printed as Envoy does: `envoy://<listener>/<endpoint id>`. */
export function internalAddress(listenerName: string, endpointId: string): InternalAddress {
  const text = `envoy://${listenerName}/${endpointId}`;
  return { ip: text, port: INTERNAL_PORT, text, listenerName, endpointId };
}

/** True for what `internalAddress` built. */
export function isInternalAddress(address: SocketAddress): address is InternalAddress {
  return address.port === INTERNAL_PORT;
}
