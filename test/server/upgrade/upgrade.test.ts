// The process that serves, while another is to follow it.
import t from 'tap';
import type { Logger } from '../../../proxy/base/log.ts';
import {
  type FromSuccessor,
  HANDOVER_PROTOCOL,
  type Launch,
  type Successor,
  type ToSuccessor,
} from '../../../proxy/server/upgrade/messages.ts';
import { Upgrade } from '../../../proxy/server/upgrade/upgrade.ts';
import { eventually } from '../../support/eventually.ts';

const LAUNCH: Launch = { file: '/new', args: [] };
const SOCKET = { fd: 7, close: () => undefined };
const QUIET: Logger = { enabled: () => false, log: () => undefined };

class FakeSuccessor implements Successor {
  readonly told: (readonly [ToSuccessor, object | null])[] = [];
  readonly calls: string[] = [];
  onMessage: ((message: FromSuccessor) => void) | null = null;
  onEnded: ((reason: string) => void) | null = null;

  async send(message: ToSuccessor, handle: object | null = null): Promise<void> {
    this.told.push([message, handle]);
  }

  kill(): void {
    this.calls.push('kill');
  }

  adopt(): void {
    this.calls.push('adopt');
  }
}

function rig() {
  const successors: FakeSuccessor[] = [];
  const heirs: Successor[] = [];
  const upgrade = new Upgrade({
    launch: () => {
      const successor = new FakeSuccessor();
      successors.push(successor);
      return successor;
    },
    estate: () => ({
      ...{ epoch: 3, firstStartedMs: 1, ticketSecret: 'secret', changed: {} },
      sockets: [['127.0.0.1 80', SOCKET]],
      admin: { address: '127.0.0.1:9901', socket: SOCKET },
    }),
    tellCounts: (successor) => void (successor as FakeSuccessor).calls.push('counts'),
    onHandedOver: (successor) => heirs.push(successor),
    log: QUIET,
  });
  return { upgrade, successors, heirs };
}

t.test('hands over what it has, and steps back when the successor serves', async (t) => {
  const { upgrade, successors, heirs } = rig();
  const outcome = upgrade.run(LAUNCH, 10_000);
  const [successor] = successors as [FakeSuccessor];
  successor.onMessage?.({ kind: 'want-estate', protocol: HANDOVER_PROTOCOL });
  await eventually(() => successor.told.length === 4);
  t.same(
    successor.told.map(([{ kind }, handle]) => [kind, handle !== null]),
    [
      ['estate', false],
      ['socket', true],
      ['admin-socket', true],
      ['estate-complete', false],
    ],
  );
  t.match(successor.told[0]?.[0], { epoch: 3, ticketSecret: 'secret' });
  t.same([heirs.length, upgrade.isHandedOver], [0, false], 'not before it serves');
  successor.onMessage?.({ kind: 'want-counts' });
  successor.onMessage?.({ kind: 'serving' });
  t.match(await outcome, { ok: true, text: /^epoch 4 serves/ });
  t.same([successor.calls, heirs.length, upgrade.isHandedOver], [['counts', 'adopt'], 1, true]);
  t.match(await upgrade.run(LAUNCH, 1), { ok: false, text: 'a newer process serves already' });
});

t.test('tells the successor what operators change meanwhile', async (t) => {
  const { upgrade, successors } = rig();
  const changes = () =>
    successors.at(-1)?.told.flatMap(([told]) => (told.kind === 'changed' ? [told.change] : []));
  upgrade.tellChange({ isHealthFailed: true });
  const outcome = upgrade.run(LAUNCH, 10_000);
  const [successor] = successors as [FakeSuccessor];
  upgrade.tellChange({ isHealthFailed: true });
  t.same(changes(), [], 'what its estate will say is not said twice');
  successor.onMessage?.({ kind: 'want-estate', protocol: HANDOVER_PROTOCOL });
  upgrade.tellChange({ isHealthFailed: false });
  successor.onMessage?.({ kind: 'serving' });
  await outcome;
  upgrade.tellChange({ runtime: [['a', '1']] });
  t.same(changes(), [{ isHealthFailed: false }, { runtime: [['a', '1']] }]);
  t.equal(successor.told[0]?.[0].kind, 'estate');
});

t.test('goes on when the successor cannot serve, and says why', async (t) => {
  const reasons: readonly (readonly [(successor: FakeSuccessor) => void, RegExp])[] = [
    [(made) => made.onMessage?.({ kind: 'failed', reason: 'bad file' }), /goes on: bad file$/],
    [(made) => made.onEnded?.('it ended with status 1'), /goes on: it ended with status 1$/],
    [(made) => made.onMessage?.({ kind: 'want-estate', protocol: 99 }), /by protocol 99, not by/],
    [() => undefined, /goes on: it was not ready within 0\.02 s$/],
  ];
  const { upgrade, successors, heirs } = rig();
  for (const [happen, text] of reasons) {
    const outcome = upgrade.run(LAUNCH, 20);
    const successor = successors.at(-1) as FakeSuccessor;
    happen(successor);
    t.match(await outcome, { ok: false, text });
    t.same(successor.calls, ['kill']);
    successor.onMessage?.({ kind: 'serving' });
  }
  t.same([heirs.length, upgrade.isHandedOver], [0, false], 'whoever comes too late is not heard');
});

t.test('starts one successor at a time', async (t) => {
  const { upgrade, successors } = rig();
  const first = upgrade.run(LAUNCH, 10_000);
  t.match(await upgrade.run(LAUNCH, 1), { ok: false, text: 'an upgrade is under way' });
  successors[0]?.onEnded?.('gone');
  t.match(await first, { ok: false });
  t.equal(successors.length, 1);
});
