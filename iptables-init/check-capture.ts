// --run-validation: opens the connection that the rules must redirect, and listens where it should
// arrive. An init container that only validates (with Istio's CNI plugin) does nothing else.
import net from 'node:net';
import type { CaptureOptions, IpVersion } from './capture-options.ts';

/** What was seen. */
export type CaptureCheck =
  | { readonly kind: 'captured' }
  | { readonly kind: 'not-captured'; readonly reason: string };

/** How to look. */
export interface CheckOptions {
  readonly capture: CaptureOptions;
  readonly probePort: number;
  readonly timeoutMs: number;
}

const RETRY_MS = 1000;
/** Sent by whoever accepts, so that an answer proves which end accepted. */
const GREETING = 'outrigger captured this connection\n';
const HOSTS = { 4: { local: '127.0.0.1', probe: '127.0.0.6' }, 6: { local: '::1', probe: '::6' } };

/** Resolves when a connection to the probe address reached one of our own ports, or never will. */
export async function checkCapture(
  options: CheckOptions,
  version: IpVersion,
): Promise<CaptureCheck> {
  const { proxyPort, inboundCapturePort } = options.capture;
  const { local } = HOSTS[version];
  const listening: net.Server[] = [];
  try {
    for (const port of [proxyPort, inboundCapturePort]) listening.push(await listen(local, port));
    return await probe(options, version);
  } catch (error) {
    return { kind: 'not-captured', reason: (error as Error).message };
  } finally {
    for (const server of listening) server.close();
  }
}

function listen(host: string, port: number): Promise<net.Server> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(GREETING);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => resolve(server));
  });
}

/** Tries once a second until an attempt is captured or the time is over. */
async function probe(options: CheckOptions, version: IpVersion): Promise<CaptureCheck> {
  const endMs = Date.now() + options.timeoutMs;
  const { probe: host } = HOSTS[version];
  for (;;) {
    const leftMs = endMs - Date.now();
    const failure = await connect(host, options.probePort, Math.max(1, Math.min(leftMs, RETRY_MS)));
    if (failure === null) return { kind: 'captured' };
    if (endMs - Date.now() < RETRY_MS) {
      const reason = `a connection to ${host}:${options.probePort} was not redirected: ${failure}`;
      return { kind: 'not-captured', reason };
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** null: our own greeting came back; else what happened instead. */
function connect(host: string, port: number, timeoutMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    let text = '';
    const socket = net.connect({ host, port });
    const finish = (failure: string | null): void => {
      socket.destroy();
      resolve(failure);
    };
    socket.setTimeout(timeoutMs, () => finish('no answer'));
    socket.setEncoding('latin1');
    socket.on('error', ({ message }) => finish(message));
    socket.on('data', (part) => {
      text += part;
      if (text === GREETING) finish(null);
    });
    socket.on('close', () => finish('somebody else answered'));
  });
}
