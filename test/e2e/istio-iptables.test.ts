// The init step as a pod runs it, in network namespaces of this test's own.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { eventually } from '../support/eventually.ts';
import { NetNamespace, whyNoNamespaces } from '../support/net-namespace.ts';
import { seededRandom } from '../support/seeded-random.ts';

const MAIN = fileURLToPath(new URL('../../proxy/cli/main.js', import.meta.url));
const POD = ['-p', '15001', '-z', '15006', '-u', '1337', '-i', '*', '-x', '', '-b', '*'];
const EXCLUDED = ['-d', '15090,15021,15020'];
const TPROXY = ['-m', 'TPROXY', '-b', '*', '--redirect-dns', '--capture-all-dns'];
/** Node without what the test runner loads into every process. */
const NODE = ['env', '-i', `PATH=${process.env['PATH']}`, process.execPath];
const skip = whyNoNamespaces();
/** Full runs of the command while it is killed. */
const KILLS = 20;

interface Ended {
  readonly status: number | null;
  readonly text: string;
}

/** Runs the command inside; `killAfterMs` ends it from outside. */
function run(space: NetNamespace, args: readonly string[], killAfterMs = -1): Promise<Ended> {
  const [program = '', ...words] = [...space.prefix, ...NODE, MAIN, ...args];
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      text += data.toString();
    });
  }
  if (killAfterMs >= 0) setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, text })));
}

function rulesOf(space: NetNamespace): string {
  return space
    .must('iptables-nft-save')
    .split('\n')
    .filter((line) => line.startsWith('-A') || line.startsWith(':ISTIO'))
    .join('\n');
}

function inNamespace(title: string, body: (t: Test, space: NetNamespace) => Promise<void>): void {
  t.test(title, { skip }, async (t) => {
    const space = new NetNamespace();
    t.teardown(() => space.remove());
    await body(t, space);
  });
}

inNamespace('repeating the command leaves one copy of the rules', async (t, space) => {
  const first = await run(space, ['istio-iptables', ...POD, ...EXCLUDED]);
  t.match(first, { status: 0, text: /applied/ });
  const rules = rulesOf(space);
  t.match(rules, '-A ISTIO_INBOUND -p tcp -m tcp --dport 15090 -j RETURN');
  for (let count = 0; count < 20; count += 1) {
    t.match(await run(space, ['istio-iptables', ...POD, ...EXCLUDED]), {
      status: 0,
      text: /in force already/,
    });
  }
  t.equal(rulesOf(space), rules);
});

inNamespace('other flags need permission to replace what is there', async (t, space) => {
  await run(space, ['istio-iptables', ...POD, ...EXCLUDED]);
  const rules = rulesOf(space);
  const refused = await run(space, ['istio-iptables', ...POD]);
  t.match(refused, { status: 1, text: /were kept.*--reconcile/ });
  t.equal(rulesOf(space), rules);
  t.equal((await run(space, ['istio-iptables', ...POD, '--reconcile'])).status, 0);
  t.notMatch(rulesOf(space), '15090');
});

inNamespace('cleaning removes exactly what is ours', async (t, space) => {
  space.must('iptables-nft', '-t', 'nat', '-A', 'PREROUTING', '-p', 'udp', '-j', 'ACCEPT');
  const before = rulesOf(space);
  const rulesBefore = space.must('ip', 'rule');
  t.equal((await run(space, ['istio-iptables', ...TPROXY, '-c', 'eth9'])).status, 0);
  t.match(space.must('ip', 'rule'), 'fwmark 0x539 lookup 133');
  t.match(space.must('ip', 'route', 'show', 'table', '133'), 'local default dev lo');
  t.match(rulesOf(space), /TPROXY[\s\S]*CT --zone 1/);
  t.equal((await run(space, ['istio-clean-iptables', ...TPROXY, '-c', 'eth9'])).status, 0);
  t.equal(rulesOf(space), before);
  t.equal(space.must('ip', 'rule'), rulesBefore);
});

inNamespace('another namespace is worked in from outside', async (t, space) => {
  space.must('ip', 'addr', 'add', 'fd00:77::9/128', 'dev', 'lo', 'nodad');
  const outside = new NetNamespace();
  t.teardown(() => outside.remove());
  const path = ['--network-namespace', `/run/netns/${space.name}`];
  t.match(await run(outside, ['istio-iptables', ...POD, ...path]), {
    status: 0,
    text: /IPv4 rules .* applied[\s\S]*IPv6 rules .* applied/,
  });
  t.match(rulesOf(space), '-A OUTPUT -j ISTIO_OUTPUT');
  t.equal(rulesOf(outside), '');
  t.equal((await run(outside, ['istio-clean-iptables', ...path])).status, 0);
  t.equal(rulesOf(space), '');
  const both = await run(outside, ['istio-iptables', ...POD, ...path, '--run-validation']);
  t.match(both, { status: 1, text: /excludes --network-namespace/ });
});

inNamespace('a refused change leaves the rules as they were', async (t, space) => {
  await run(space, ['istio-iptables', ...POD]);
  const rules = rulesOf(space);
  const refused = await run(space, [
    'istio-iptables',
    ...POD.map((word) => (word === '1337' ? 'nobody-has-this-name' : word)),
    '--reconcile',
  ]);
  t.match(refused, { status: 1, text: /refused the rules.*Nothing was changed/ });
  t.equal(rulesOf(space), rules);
});

inNamespace('validation says captured, or 126 and what to do', async (t, space) => {
  const validate = ['istio-iptables', '--skip-rule-apply', '--run-validation'];
  const without = await run(space, [...validate, '--probe-timeout', '500ms']);
  t.match(without, { status: 126, text: /not captured[\s\S]*istio-iptables` with NET_ADMIN/ });
  await run(space, ['istio-iptables', ...POD]);
  t.match(await run(space, validate), { status: 0, text: /IPv4: captured/ });
});

for (const [mode, flags] of [
  ['REDIRECT', POD],
  ['TPROXY with DNS: three tables, and a route', TPROXY],
] as const) {
  inNamespace(`killed at any moment it leaves all rules or none: ${mode}`, async (t, space) => {
    await run(space, ['istio-iptables', ...flags]);
    const complete = rulesOf(space);
    const routes = space.must('ip', 'rule');
    await run(space, ['istio-clean-iptables', ...flags]);
    const random = seededRandom(5);
    for (let count = 0; count < KILLS; count += 1) {
      await run(space, ['istio-iptables', ...flags], Math.floor(random.next() * 140));
      // A transaction that was begun is finished by its own process.
      await eventually(() => ['', complete].includes(rulesOf(space)));
      const hasRoutes = space.must('ip', 'rule') === routes;
      t.ok(rulesOf(space) === '' || hasRoutes, `kill ${count}: all or none`);
      await run(space, ['istio-clean-iptables', ...flags]);
      t.equal(rulesOf(space), '');
    }
  });
}

inNamespace('a dry run prints rules and changes nothing', async (t, space) => {
  const { status, text } = await run(space, ['istio-iptables', ...POD, '--dry-run']);
  t.equal(status, 0);
  t.match(text, /^\* nat\n-N ISTIO_INBOUND\n/);
  const commands = await run(space, ['istio-iptables', ...POD, '-n', '--restore-format=false']);
  t.match(commands.text, /^iptables -t nat -N ISTIO_INBOUND\n/);
  t.equal(rulesOf(space), '');
});

inNamespace('it fits an init container of 50 MiB', async (t, space) => {
  // Each program becomes the next one: the process is Node's in the end.
  const [program = '', ...words] = [...space.prefix, ...NODE, MAIN, 'istio-iptables', ...POD];
  const child = spawn(program, words, { stdio: 'ignore' });
  let hasEnded = false;
  child.on('close', () => {
    hasEnded = true;
  });
  let peak = 0;
  await eventually(() => {
    peak = Math.max(peak, peakKib(child.pid));
    return hasEnded;
  });
  t.equal(child.exitCode, 0);
  t.ok(peak > 20_000 && peak < 50 * 1024, `${peak} KiB at most`);
});

/** The most memory that a process has had so far; 0 when it is gone. */
function peakKib(pid = 0): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
