// Socket addresses as the data path uses them: numeric IP and port, or a pipe.

/** An IP socket address or a Unix-domain path. */
export interface SocketAddress {
  /** Numeric IPv4 or IPv6 text without brackets; the path of a pipe when `port` is -1. */
  readonly ip: string;
  /** 0 to 65535, or -1 for a pipe. */
  readonly port: number;
  /** `ip:port`, `[ip]:port`, or the pipe's path: built once, printed often. */
  readonly text: string;
}

/** Builds a SocketAddress with its text. */
export function socketAddress(ip: string, port: number): SocketAddress {
  return { ip, port, text: ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}` };
}

/** Builds the address of a Unix-domain socket. */
export function pipeAddress(path: string): SocketAddress {
  return { ip: path, port: -1, text: path };
}
