// Processes of a bench: starting, waiting for their port, ending.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

const LISTEN_DEADLINE_MS = 20_000;
const KILL_AFTER_MS = 5_000;

/** Starts a command whose output nobody reads; what it complains about is shown. */
export function spawnQuiet([command, ...rest]: readonly string[]): ChildProcess {
  return spawn(command as string, rest, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** A port that nothing uses now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves when something accepts on a port of loopback. */
export async function whenListening(port: number): Promise<void> {
  const deadline = Date.now() + LISTEN_DEADLINE_MS;
  while (Date.now() < deadline) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing listens on port ${port}`);
}

/** Ends a process. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, 'exit');
  // Not SIGKILL at once: a killed nginx would leave its worker behind, on the port.
  child.kill('SIGTERM');
  const tooLong = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  await exited;
  clearTimeout(tooLong);
}
