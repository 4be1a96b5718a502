// Network namespaces of a test's own: an empty host with loopback, gone when the test is over.
import { spawnSync } from 'node:child_process';

let count = 0;

/** Why namespaces with rules cannot be made here; false: they can. For tap's `skip`. */
export function whyNoNamespaces(): string | false {
  if (process.getuid?.() !== 0) return 'skipped: needs root';
  for (const program of ['ip', 'iptables-nft']) {
    if (spawnSync(program, ['--version']).error !== undefined) return `skipped: no ${program}`;
  }
  const name = `og-try-${process.pid}`;
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return 'skipped: needs NET_ADMIN';
  const saved = spawnSync('ip', ['netns', 'exec', name, 'iptables-nft-save']);
  spawnSync('ip', ['netns', 'del', name]);
  return saved.status === 0 ? false : 'skipped: iptables does not work here';
}

/** Why the kernel does not take a rule, say `-t mangle -A PREROUTING -j …`; false: it does. */
export function whyNoRule(program: 'iptables-nft' | 'ip6tables-nft', rule: string): string | false {
  const reason = whyNoNamespaces();
  if (reason !== false) return reason;
  const name = `og-try-${process.pid}`;
  spawnSync('ip', ['netns', 'add', name]);
  const { status } = spawnSync('ip', ['netns', 'exec', name, program, ...rule.split(' ')]);
  spawnSync('ip', ['netns', 'del', name]);
  return status === 0 ? false : `skipped: the kernel does not take ${program} ${rule}`;
}

/** An open namespace. */
export class NetNamespace {
  readonly name: string;

  constructor() {
    count += 1;
    this.name = `og-${process.pid}-${count}`;
    must('ip', ['netns', 'add', this.name]);
    this.must('ip', 'link', 'set', 'lo', 'up');
  }

  /** What a command line has to begin with to run inside. */
  get prefix(): readonly string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  /** Runs a command inside; its standard output. Throws when it fails. */
  must(...command: readonly string[]): string {
    return must('ip', ['netns', 'exec', this.name, ...command]);
  }

  /** Kills what runs inside and removes it. */
  remove(): void {
    const pids = spawnSync('ip', ['netns', 'pids', this.name], { encoding: 'utf8' }).stdout;
    for (const pid of pids.split('\n').filter((line) => line !== '')) {
      spawnSync('kill', ['-9', pid]);
    }
    spawnSync('ip', ['netns', 'del', this.name]);
  }
}

function must(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  return stdout;
}
