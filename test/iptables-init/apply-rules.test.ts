import t from 'tap';
import { applyRules, removeRules } from '../../iptables-init/apply-rules.ts';
import { captureRules } from '../../iptables-init/capture-rules.ts';
import { chooseTools, plainTools } from '../../iptables-init/iptables-tools.ts';
import { captureOptions } from '../support/capture-options.ts';
import { type FakeAnswer, FakeSystem } from '../support/fake-system.ts';

const WANTED = captureRules(captureOptions('-i * -b *'), 4);
const POLICY = { reconcile: false, forceApply: false, prepare: async () => null };
const tools = plainTools(4);
/** As iptables-save(8) tells of the wanted rules. */
const SAVED = [
  '*nat',
  ':PREROUTING ACCEPT [0:0]',
  ...WANTED.ownChains('nat').map((chain) => `:${chain} - [0:0]`),
  ...WANTED.rules.map(({ chain, words }) => `-A ${chain} ${words.join(' ')}`),
  'COMMIT',
].join('\n');

t.test('on a bare host the rules are tried, then applied, in one transaction', async (t) => {
  const system = new FakeSystem();
  t.same(await applyRules({ system, tools }, WANTED, POLICY), { kind: 'changed' });
  t.same(system.commands, [
    'iptables-save',
    'iptables-restore --test --noflush --wait=30',
    'iptables-restore --noflush --wait=30',
  ]);
  t.match(system.inputs[1], /^\* nat\n-N ISTIO_INBOUND\n/);
  t.match(system.inputs[1], /COMMIT\n$/);
});

t.test('rules that are there are left alone', async (t) => {
  const system = new FakeSystem(['iptables-save', { stdout: SAVED }]);
  t.same(await applyRules({ system, tools }, WANTED, POLICY), { kind: 'unchanged' });
  t.notOk(system.commands.some((command) => command.startsWith('iptables-restore')));
});

t.test('other rules of ours are kept unless they may be replaced', async (t) => {
  const system = new FakeSystem(['iptables-save', { stdout: SAVED }]);
  const other = captureRules(captureOptions('-i * -b * -d 15020'), 4);
  const outcome = await applyRules({ system, tools }, other, POLICY);
  t.match(outcome, {
    kind: 'failed',
    reason: /ISTIO_INBOUND has 2 rules instead of 3.*--reconcile/,
  });
  const replaced = await applyRules({ system, tools }, other, { ...POLICY, reconcile: true });
  t.same(replaced, { kind: 'changed' });
  const input = system.inputs.at(-1) ?? '';
  t.match(input, '-D OUTPUT -j ISTIO_OUTPUT\n');
  t.match(input, '-F ISTIO_INBOUND\n');
  t.notMatch(input, '-N ', 'chains that are there are emptied, not made');
  t.equal(input.match(/COMMIT/g)?.length, 1, 'no moment without rules');
});

t.test('a rule that iptables does not find is a difference', async (t) => {
  const system = new FakeSystem(
    ['iptables-save', { stdout: SAVED }],
    ['iptables --wait=30 -t nat -C ISTIO_REDIRECT', { status: 1 }],
  );
  const outcome = await applyRules({ system, tools }, WANTED, POLICY);
  t.match(outcome, { kind: 'failed', reason: /nat ISTIO_REDIRECT has no rule/ });
});

t.test('what a trial refuses is not applied, and the line is shown', async (t) => {
  const refusal = {
    status: 2,
    stderr: 'iptables-restore: unknown owner\nError occurred at line: 3\n',
  };
  const system = new FakeSystem(['iptables-restore --test', refusal]);
  const outcome = await applyRules({ system, tools }, WANTED, POLICY);
  t.match(outcome, { kind: 'failed', reason: /line 3: -N ISTIO_REDIRECT.*Nothing was changed/ });
  t.notOk(system.commands.includes('iptables-restore --noflush --wait=30'));
});

t.test('removing takes our chains, what leads to them, and nothing else', async (t) => {
  const foreign = '-A PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 80';
  const saved = SAVED.replace('COMMIT', `${foreign}\nCOMMIT`);
  const system = new FakeSystem(['iptables-save', { stdout: saved }]);
  t.same(await removeRules({ system, tools }, WANTED), { kind: 'changed' });
  const input = system.inputs.at(-1) ?? '';
  t.match(input, '-D PREROUTING -p tcp -j ISTIO_INBOUND\n');
  t.match(input, '-X ISTIO_OUTPUT\n');
  t.notMatch(input, '8080');
  t.notMatch(input, '-A ');
});

t.test('on a bare host nothing is removed', async (t) => {
  const system = new FakeSystem();
  t.same(await removeRules({ system, tools }, WANTED), { kind: 'unchanged' });
});

t.test('programs: where rules of ours are, else where any are, else nft', async (t) => {
  const kindOf = async (...answers: readonly FakeAnswer[]): Promise<string> => {
    const chosen = await chooseTools(new FakeSystem(...answers), 4, '');
    return chosen.ok ? chosen.tools.kind : chosen.reason;
  };
  const rule = { stdout: '*nat\n-A PREROUTING -j ACCEPT\nCOMMIT' };
  const missing = { status: 127, stderr: 'not found' };
  t.equal(await kindOf(), 'nft');
  t.equal(await kindOf(['iptables-legacy-save', rule]), 'legacy');
  t.equal(
    await kindOf(['iptables-legacy-save', rule], ['iptables-nft-save', { stdout: SAVED }]),
    'nft',
  );
  t.equal(await kindOf(['iptables-nft-save', missing], ['iptables-legacy-save', missing]), 'plain');
  t.match(await kindOf(['iptables', missing]), 'iptables-save does not work: not found');
});

t.test('what the rules rely on is there before them, or they are not applied', async (t) => {
  const system = new FakeSystem();
  const seen: number[] = [];
  const prepare = async (): Promise<string> => {
    seen.push(system.commands.length);
    return 'no route';
  };
  const outcome = await applyRules({ system, tools }, WANTED, { ...POLICY, prepare });
  t.same(outcome, { kind: 'failed', reason: 'no route' });
  t.same(seen, [2], 'behind the trial');
  t.notOk(system.commands.includes('iptables-restore --noflush --wait=30'));
  const refused = new FakeSystem(['iptables-restore --test', { status: 2 }]);
  await applyRules({ system: refused, tools }, WANTED, { ...POLICY, prepare });
  t.equal(seen.length, 1, 'not for rules that are refused');
});
