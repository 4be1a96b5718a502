// A relay in front of a server: it can go silent without closing, and pass on in drips.
import net from 'node:net';
import { holdPort } from './dead-ports.ts';

/** Listens on a free port of loopback. */
export class TcpRelay {
  /** Nothing is passed on, in either direction. */
  isSilent = false;
  /** Octets that the client gets at a time; 0: as they come. */
  dripBytes = 0;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();

  private constructor(targetPort: number) {
    this.#server = net.createServer((client) => {
      const upstream = net.connect(targetPort, '127.0.0.1');
      for (const socket of [client, upstream]) this.#keep(socket);
      client.on('data', (data) => {
        if (!this.isSilent) upstream.write(data);
      });
      upstream.on('data', (data) => {
        if (!this.isSilent) this.#pass(data, client, upstream);
      });
      client.on('close', () => upstream.destroy());
      upstream.on('close', () => client.destroy());
    });
  }

  static async listen(targetPort: number): Promise<TcpRelay> {
    const relay = new TcpRelay(targetPort);
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  /** Nobody listens, and who was connected is cut; resolves with the port that `up` listens on. */
  async down(): Promise<number> {
    const { port } = this;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    await closed;
    await holdPort(port);
    return port;
  }

  async up(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  #keep(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
  }

  #pass(data: Buffer, to: net.Socket, from: net.Socket): void {
    if (this.dripBytes === 0) {
      to.write(data);
      return;
    }
    from.pause();
    let at = 0;
    const next = () => {
      to.write(data.subarray(at, at + this.dripBytes));
      at += this.dripBytes;
      if (at < data.length) setImmediate(next);
      else from.resume();
    };
    next();
  }
}
