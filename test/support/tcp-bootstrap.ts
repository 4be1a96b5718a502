// Listeners without HTTP, and servers for what is behind them.
import { type AddressInfo, createServer, type Server } from 'node:net';
import { RawPeer } from './raw-peer.ts';
import type { Message } from './static-bootstrap.ts';

const TYPE = 'type.googleapis.com/envoy.extensions';

/** A network filter: `echo.v3.Echo` is its type without what all have in front. */
export function networkFilter(type: string, members: Message = {}): Message {
  const name = `envoy.filters.network.${type.slice(0, type.indexOf('.'))}`;
  return { name, typed_config: { '@type': `${TYPE}.filters.network.${type}`, ...members } };
}

/** A TCP proxy; its cluster is `server` unless `members` say otherwise. */
export function tcpProxy(statPrefix: string, members: Message = {}): Message {
  const hasCluster = 'cluster' in members || 'weighted_clusters' in members;
  const cluster = hasCluster ? {} : { cluster: 'server' };
  return networkFilter('tcp_proxy.v3.TcpProxy', {
    stat_prefix: statPrefix,
    ...cluster,
    ...members,
  });
}

/** A listener on a port of the system's choice. */
export function filterListener(name: string, ...filters: readonly Message[]): Message {
  return {
    name,
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [{ filters }],
  };
}

/** A file access log with a format. */
export function fileLog(path: string, format: string): Message {
  const typed_config = {
    '@type': `${TYPE}.access_loggers.file.v3.FileAccessLog`,
    path,
    log_format: { text_format_source: { inline_string: format } },
  };
  return { name: 'envoy.access_loggers.file', typed_config };
}

/** A TCP server whose connections a function of the test answers. */
export class TcpServer {
  readonly peers: RawPeer[] = [];
  readonly #server: Server;

  constructor(serve: (peer: RawPeer) => void) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const peer = new RawPeer(socket);
      this.peers.push(peer);
      serve(peer);
    });
  }

  /** Resolves with its port. */
  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const { socket } of this.peers) socket.destroy();
    this.#server.close();
  }
}
