// Ports of loopback that fail: one that refuses connections and one that never answers them.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

let anchor: Promise<number> | null = null;
/** Ports that are kept already: until this process ends. */
const kept = new Set<number>();

/**
 * A port of 127.0.0.1 that nobody listens on. Until this process ends the system gives it to nobody
 * who asks for any port; who asks for this one may listen.
 */
export function closedPort(): Promise<number> {
  return held(0);
}

/** The same for a port on which nobody listens any more. */
export async function holdPort(port: number): Promise<void> {
  if (!kept.has(port)) await held(port);
}

/** The near end of a connection is in nobody's way who listens, and keeps the port from being chosen. */
async function held(localPort: number): Promise<number> {
  anchor ??= anchorPort();
  const host = '127.0.0.1';
  const socket = connect({ host, port: await anchor, localAddress: host, localPort });
  await once(socket, 'connect');
  socket.unref();
  kept.add(socket.localPort as number);
  return socket.localPort as number;
}

async function anchorPort(): Promise<number> {
  const server = createServer((socket) => socket.unref());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  return (server.address() as AddressInfo).port;
}

/** A port on which connecting takes for ever. */
export interface Blackhole {
  readonly port: number;
  close(): Promise<void>;
}

/** With a backlog of 1 the system completes 2 connections; it drops the SYN of every other. */
const QUEUE = 2;
const DEAF_LISTENER = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen(0, '127.0.0.1', 1, () => {
    parentPort.postMessage(server.address().port);
    // Nothing is accepted while the thread sleeps; the message has left already.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;

/** Fills the accept queue of a listener that never accepts. */
export async function blackhole(): Promise<Blackhole> {
  const thread = new Worker(DEAF_LISTENER, { eval: true });
  const port = await new Promise<number>((resolve) => thread.once('message', resolve));
  const fillers: Socket[] = [];
  for (let index = 0; index < QUEUE; index += 1) {
    const filler = connect(port, '127.0.0.1');
    filler.on('error', () => undefined);
    fillers.push(filler);
    await new Promise<void>((resolve) => filler.once('connect', resolve));
  }
  return {
    port,
    close: async () => {
      for (const filler of fillers) filler.destroy();
      await thread.terminate();
    },
  };
}
