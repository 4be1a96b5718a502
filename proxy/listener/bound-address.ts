// A bound address. Which listener serves it may change while it stays bound, so that an update
// refuses no connection.
import type { SocketAddress } from '../base/address.ts';
import type { Logger } from '../base/log.ts';
import type { ListenerConfig } from '../model/listener.ts';
import { type AcceptedConnection, Acceptor, type AcceptorHandler } from '../net/acceptor.ts';
import type { EventLoop } from '../net/event-loop.ts';
import type { SocketSource } from '../net/socket-source.ts';
import type { ActiveListener } from './active-listener.ts';

/** Accepts for the listener of the moment. */
export class BoundAddress implements AcceptorHandler {
  /** As the configuration says, port 0 included. */
  readonly wanted: SocketAddress;
  /** As the system gave it; null until bound. */
  bound: SocketAddress | null = null;
  readonly #acceptor: Acceptor;
  readonly #log: Logger;
  #listener: ActiveListener;

  constructor(
    loop: EventLoop,
    log: Logger,
    target: { readonly address: SocketAddress; readonly listener: ActiveListener },
  ) {
    const config: ListenerConfig = target.listener.config;
    this.wanted = target.address;
    this.#log = log;
    this.#listener = target.listener;
    this.#acceptor = new Acceptor(
      loop,
      {
        address: target.address,
        backlog: config.tcpBacklog,
        bufferLimitBytes: config.perConnectionBufferLimitBytes,
        keepalive: config.tcpKeepalives[config.addresses.indexOf(target.address)] ?? null,
        isTransparent: config.isTransparent,
      },
      this,
    );
  }

  /** Binds; '' or the reason why it could not. `sockets` null: nobody else keeps the socket. */
  async listen(sockets: SocketSource | null): Promise<string> {
    const { name } = this.#listener.config;
    const taken = sockets === null ? { handle: null } : await sockets.take(name, this.wanted);
    if ('error' in taken) return taken.error;
    const result = await this.#acceptor.listen(taken.handle);
    if ('error' in result) return result.error;
    this.bound = result.address;
    return '';
  }

  /** From now on new connections belong to `listener`. */
  serveBy(listener: ActiveListener): void {
    this.#listener = listener;
  }

  close(): void {
    this.#acceptor.close();
  }

  mayAccept(): boolean {
    return this.#listener.mayAccept();
  }

  onConnection(accepted: AcceptedConnection): void {
    this.#listener.serve(accepted);
  }

  onAcceptError(text: string): void {
    this.#log.log('warning', `accepting on ${this.wanted.text} failed: ${text}`);
  }
}
