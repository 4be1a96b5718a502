// Options of sockets beyond those that Node sets.

/** One call of setsockopt(2). */
export interface SocketOptionConfig {
  readonly level: number;
  readonly name: number;
  /** The value in base64. */
  readonly octets: string;
  /** Sockets of the other IP version do without it; absent: all have it. */
  readonly family?: 4 | 6;
}

/** A source of upstream connections. */
export interface SourceAddressConfig {
  readonly ip: string;
  readonly port: number;
  /** Options of connections from there. */
  readonly socketOptions: readonly SocketOptionConfig[];
}
