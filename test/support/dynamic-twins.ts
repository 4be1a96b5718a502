// Outrigger and Envoy, each with a management server of its own that plays the same script.
import { eventually } from './eventually.ts';
import { PlayedPlane } from './played-plane.ts';
import type { Message } from './static-bootstrap.ts';
import { TcpRelay } from './tcp-relay.ts';
import { withEnvoy } from './with-envoy.ts';
import { withProxy } from './with-proxy.ts';

/** One of the two. */
export class DynamicSide {
  readonly name: 'ours' | 'envoy';
  readonly plane: PlayedPlane;
  /** Between the two: it can go silent, and drip. */
  readonly relay: TcpRelay;
  #admin = '';

  private constructor(name: 'ours' | 'envoy', plane: PlayedPlane, relay: TcpRelay) {
    this.name = name;
    this.plane = plane;
    this.relay = relay;
  }

  static async listen(name: 'ours' | 'envoy', isIncremental: boolean): Promise<DynamicSide> {
    const plane = await PlayedPlane.listen(isIncremental);
    return new DynamicSide(name, plane, await TcpRelay.listen(plane.plane.port));
  }

  close(): void {
    this.relay.close();
    this.plane.close();
  }

  /** It serves, and has its admin interface there. */
  begin(admin: string): void {
    this.#admin = admin;
  }

  /** Resolves when it serves. */
  async serving(): Promise<void> {
    await eventually(() => this.#admin !== '');
  }

  async admin(path: string): Promise<string> {
    return (await fetch(`${this.#admin}${path}`)).text();
  }

  /** Address of a listener; '' : there is none of that name. */
  async address(listener = 'in'): Promise<string> {
    const lines = (await this.admin('/listeners')).split('\n');
    const line = lines.find((each) => each.startsWith(`${listener}::`));
    return line?.slice(listener.length + 2) ?? '';
  }

  /** The upstream that answered, else the status; '' : nobody listens. */
  async get(path: string, listener = 'in'): Promise<string> {
    const address = await this.address(listener);
    if (address === '') return '';
    const headers = { connection: 'close' };
    const response = await fetch(`http://${address}${path}`, { headers }).catch(ifGone);
    if (response === null) return '';
    const text = await response.text();
    return text.startsWith('{') ? JSON.parse(text).upstream : String(response.status);
  }

  /** Lines of `/stats` that match. */
  async stats(pattern: RegExp): Promise<readonly string[]> {
    const lines = (await this.admin('/stats')).split('\n');
    return lines.filter((line) => pattern.test(line)).sort();
  }

  /** Parts of `/config_dump` by the name of their type, without `ConfigDump`. */
  async dump(query = '?include_eds'): Promise<Record<string, Message>> {
    const { configs } = JSON.parse(await this.admin(`/config_dump${query}`));
    return Object.fromEntries(
      configs.map((part: Message) => [
        String(part['@type']).replace(/^.*\.(\w+)ConfigDump$/, '$1'),
        part,
      ]),
    );
  }
}

/** A configuration that names a server by its port, and what is done with both. */
export interface DynamicTwins<Result> {
  readonly isIncremental?: boolean;
  readonly bootstrap: (port: number) => Message;
  /** Played to both at once; it begins before they serve. */
  readonly script: (side: DynamicSide) => Promise<Result>;
}

/** Plays the script to both and gives what it answered for each. */
export async function withDynamicTwins<Result>({
  isIncremental = false,
  bootstrap,
  script,
}: DynamicTwins<Result>): Promise<{ readonly ours: Result; readonly envoy: Result }> {
  const [ours, envoy] = await Promise.all([
    DynamicSide.listen('ours', isIncremental),
    DynamicSide.listen('envoy', isIncremental),
  ]);
  try {
    const [mine, theirs] = await Promise.all([
      playToUs(ours, bootstrap(ours.relay.port), script),
      playToEnvoy(envoy, bootstrap(envoy.relay.port), script),
    ]);
    return { ours: mine, envoy: theirs };
  } finally {
    ours.close();
    envoy.close();
  }
}

/** Plays a script to Outrigger alone. */
export async function playToUs<Result>(
  side: DynamicSide,
  bootstrap: Message,
  script: (side: DynamicSide) => Promise<Result>,
): Promise<Result> {
  const admin = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } };
  const played = script(side);
  const starting = withProxy({ ...bootstrap, admin });
  try {
    const proxy = await Promise.race([starting, failing(played)]);
    side.begin(`http://${proxy.adminAddress}`);
    return await played;
  } finally {
    await starting.then((proxy) => proxy.stop());
  }
}

async function playToEnvoy<Result>(
  side: DynamicSide,
  bootstrap: Message,
  script: (side: DynamicSide) => Promise<Result>,
): Promise<Result> {
  const played = script(side);
  const flags = ['--drain-time-s', '1'];
  const serving = withEnvoy(
    bootstrap,
    async ({ admin }) => {
      side.begin(admin);
      await played;
    },
    flags,
  );
  await Promise.race([serving, failing(played)]);
  return played;
}

/** Ends only when the script fails: nobody goes on waiting for what it would have sent. */
function failing(played: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => {
    played.catch((error: unknown) => reject(error));
  });
}

/** The listener went between the question and the request, or with a connection in its queue. */
function ifGone(error: Error): null {
  const code = (error.cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET'].includes(code)) return null;
  throw error;
}
