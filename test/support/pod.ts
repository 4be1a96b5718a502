// Pods on one machine: two network namespaces joined by a veth pair, each with users who run
// servers and clients. The first is where the rules of istio-iptables are tried.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { NetNamespace, whyNoNamespaces } from './net-namespace.ts';
import type { PodAnswer, PodOrder } from './pod-program.ts';

const PROGRAM = fileURLToPath(new URL('./pod-program.js', import.meta.url));
/** Without what the test runner makes every Node load. */
const BARE = ['env', '-i', `PATH=${process.env['PATH']}`];
const NODE = [...BARE, process.execPath];

/** Addresses of both pods; each is the other's way to everywhere else. */
export const POD_IP = '10.77.0.1';
export const PEER_IP = '10.77.0.2';
export const POD_IP6 = 'fd00:77::1';
export const PEER_IP6 = 'fd00:77::2';

/** The user and group of a proxy in Istio's pods. */
export const PROXY_USER = 1337;
/** Anybody else. */
export const APP_USER = 1000;

/** Why pods cannot be made here; false: they can. For tap's `skip`. */
export function whyNoPods(): string | false {
  const reason = whyNoNamespaces();
  if (reason !== false) return reason;
  if (spawnSync('setpriv', ['--version']).error !== undefined) return 'skipped: no setpriv';
  const name = `og-try-${process.pid}`;
  const cable = ['link', 'add', 'og0', 'type', 'veth', 'peer', 'name', 'og1'];
  spawnSync('ip', ['netns', 'add', name]);
  const { status } = spawnSync('ip', ['-n', name, ...cable]);
  spawnSync('ip', ['netns', 'del', name]);
  if (status !== 0) return 'skipped: no veth pairs here';
  const [setpriv = '', ...words] = [...asUser(APP_USER), 'test', '-r', PROGRAM];
  return spawnSync(setpriv, words).status === 0
    ? false
    : 'skipped: other users cannot read this folder';
}

/** capabilities(7) by number. */
const CAPABILITIES = { dac_override: 1, dac_read_search: 2, net_admin: 12 } as const;

/** What root keeps as another user. */
export type Capability = keyof typeof CAPABILITIES;

/**
 * The words that make what follows run as `user`. It keeps the right to read what root reads, if
 * root has it to give (the project may lie in root's home), and what `capabilities` names.
 */
export function asUser(user: number, capabilities: readonly Capability[] = []): readonly string[] {
  const reading = (['dac_read_search', 'dac_override'] as const).find(mayGive);
  const kept = [...(reading === undefined ? [] : [reading]), ...capabilities];
  const list = kept.map((name) => `+${name}`).join(',');
  return [
    ...['setpriv', '--reuid', `${user}`, '--regid', `${user}`, '--clear-groups'],
    ...(kept.length === 0 ? [] : ['--inh-caps', list, '--ambient-caps', list]),
  ];
}

function mayGive(name: Capability): boolean {
  const status = readFileSync('/proc/self/status', 'latin1');
  const own = BigInt(`0x${/^CapPrm:\s*(\w+)/m.exec(status)?.[1] ?? '0'}`);
  return ((own >> BigInt(CAPABILITIES[name])) & 1n) === 1n;
}

/** Servers and clients of one user in one pod: one process. */
export class PodUser {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: PodAnswer) => void>();
  #lastId = 0;

  constructor(space: NetNamespace, user: number) {
    const [program = '', ...words] = [...space.prefix, ...asUser(user), ...NODE];
    this.#process = spawn(program, [...words, PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#process.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const { id, answer } = JSON.parse(line) as { id: number; answer: PodAnswer };
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
    });
  }

  /** Starts a server, or does what a client does. */
  do(order: PodOrder): Promise<PodAnswer> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#process.stdin?.write(`${JSON.stringify({ id, order })}\n`);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  /** Servers that must be there. */
  async serve(...orders: readonly PodOrder[]): Promise<void> {
    for (const order of orders) {
      const { error } = await this.do(order);
      if (error !== '') throw new Error(`${order.what} ${order.ip}:${order.port}: ${error}`);
    }
  }

  stop(): void {
    this.#process.stdin?.end();
  }
}

/** One pod. */
export class Pod {
  readonly space = new NetNamespace();
  readonly #users = new Map<number, PodUser>();

  /** The process of a user, started at the first call. */
  user(user: number): PodUser {
    const known = this.#users.get(user);
    if (known !== undefined) return known;
    const started = new PodUser(this.space, user);
    this.#users.set(user, started);
    return started;
  }

  /** Runs a program of this project inside, as root, to its end; what it said. */
  run(program: string, ...args: readonly string[]): string {
    return this.space.must(...NODE, program, ...args);
  }

  /** Starts a program inside as `user`. */
  start(
    user: number,
    words: readonly string[],
    capabilities: readonly Capability[] = [],
  ): ChildProcess {
    const line = [...this.space.prefix, ...asUser(user, capabilities), ...BARE, ...words];
    const [program = '', ...args] = line;
    return spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  remove(): void {
    for (const user of this.#users.values()) user.stop();
    this.space.remove();
  }
}

/** Two pods with one cable. */
export function joinedPods(): { readonly pod: Pod; readonly peer: Pod; remove(): void } {
  const pod = new Pod();
  const peer = new Pod();
  const far = ['peer', 'name', 'eth0', 'netns', peer.space.name];
  pod.space.must('ip', 'link', 'add', 'eth0', 'type', 'veth', ...far);
  configure(pod, [POD_IP, POD_IP6], [PEER_IP, PEER_IP6]);
  configure(peer, [PEER_IP, PEER_IP6], [POD_IP, POD_IP6]);
  const remove = (): void => {
    pod.remove();
    peer.remove();
  };
  return { pod, peer, remove };
}

function configure({ space }: Pod, own: readonly string[], gateways: readonly string[]): void {
  for (const ip of own) {
    const [length, ...flags] = ip.includes(':') ? ['64', 'nodad'] : ['24'];
    space.must('ip', 'addr', 'add', `${ip}/${length}`, 'dev', 'eth0', ...flags);
  }
  space.must('ip', 'link', 'set', 'eth0', 'up');
  for (const ip of gateways) {
    const version = ip.includes(':') ? '-6' : '-4';
    space.must('ip', version, 'route', 'add', 'default', 'via', ip);
  }
}
