// The first process of a line with real children, which are no proxies.
import t from 'tap';
import { Lineage } from '../../../proxy/server/upgrade/lineage.ts';
import type {
  FromSuccessor,
  Launch,
  Successor,
  ToSuccessor,
} from '../../../proxy/server/upgrade/messages.ts';
import { EMPTY_SNAPSHOT } from '../../../proxy/stats/snapshot.ts';
import { eventually } from '../../support/eventually.ts';

const script = (text: string): Launch => ({ file: process.execPath, args: ['-e', text] });
/** Says that it serves, ends with 7 when it is told anything, and with 9 at SIGHUP. */
const SERVING = `
  process.on('message', () => process.exit(7));
  process.on('SIGHUP', () => process.exit(9));
  process.send({ kind: 'serving' });`;
/** Has a successor started as soon as it is told anything, and passes on what that says. */
const HANDING_OVER = `
  let isAsked = false;
  process.on('message', (message) => {
    if (message.kind === 'counted' && !isAsked) {
      isAsked = true;
      process.send({ kind: 'launch', launch: ${JSON.stringify(script(SERVING))} });
    } else if (message.kind === 'from-successor') {
      process.send({ kind: 'adopt-successor' }, () => process.exit(3));
    }
  });
  process.send({ kind: 'serving' });`;
const COUNTED: ToSuccessor = {
  ...{ epoch: 1, isFinal: false, snapshot: EMPTY_SNAPSHOT },
  kind: 'counted',
};

async function serving(successor: Successor): Promise<void> {
  const said: FromSuccessor[] = [];
  successor.onMessage = (message) => said.push(message);
  await eventually(() => said.length === 1);
}

function ended(lineage: Lineage): Promise<number> {
  return new Promise((resolve) => {
    lineage.onEnded = resolve;
  });
}

t.test('ends with the status of the process that serves, and passes on signals', async (t) => {
  const lineage = new Lineage();
  const status = ended(lineage);
  const successor = lineage.launch(script(SERVING));
  await serving(successor);
  lineage.signal('SIGHUP', false);
  t.equal(lineage.hasSuccessor, false, 'not before it is adopted');
  successor.adopt();
  t.equal(lineage.hasSuccessor, true);
  lineage.signal('SIGHUP', false);
  t.equal(await status, 9);
});

t.test('tells a signal as a shell does', async (t) => {
  const lineage = new Lineage();
  const status = ended(lineage);
  const successor = lineage.launch(script(SERVING));
  await serving(successor);
  successor.adopt();
  lineage.signal('SIGKILL', true);
  t.equal(await status, 128 + 9);
});

t.test('says why there is no successor', async (t) => {
  const lineage = new Lineage();
  const reason = (launch: Launch) =>
    new Promise((resolve) => {
      lineage.launch(launch).onEnded = resolve;
    });
  t.equal(await reason(script('process.exit(3)')), 'it ended with status 3');
  t.match(
    await reason({ file: '/nonexistent', args: [] }),
    'cannot start /nonexistent: No such file or directory',
  );
});

t.test('starts a successor for its successor, whose end is the end of the line', async (t) => {
  const lineage = new Lineage();
  const status = ended(lineage);
  const first = lineage.launch(script(HANDING_OVER));
  await serving(first);
  first.adopt();
  // The first one ends with 3 as soon as the second one has followed it; that is no end.
  await eventually(async () => {
    void first.send(COUNTED);
    return (await Promise.race([status, Promise.resolve(null)])) !== null;
  });
  t.equal(await status, 7, 'what is for the first one, the second one hears');
});
