import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Edges, INVARIANTS, invariant } from '../../proxy/base/invariants.ts';

const EDGES = new Edges<'idle' | 'busy' | 'done'>('codec', {
  idle: ['busy', 'done'],
  busy: ['idle', 'done'],
  done: [],
});

const MODULE = fileURLToPath(import.meta.resolve('../../proxy/base/invariants.js'));

/** Whether a process of its own, started with `options`, checks invariants. */
function isOnWith(options: string): string {
  const program = `console.log((await import(${JSON.stringify(MODULE)})).INVARIANTS)`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, NODE_OPTIONS: options },
    encoding: 'utf8',
  });
  return child.stdout.trim();
}

t.test('a relation that does not hold throws, and says which', async (t) => {
  t.doesNotThrow(() => invariant(true, 'pool: one is one'));
  t.throws(() => invariant(false, 'pool: one is two'), {
    message: 'invariant broken: pool: one is two',
  });
});

t.test('a machine turns only to states that its table names', async (t) => {
  t.doesNotThrow(() => EDGES.check('idle', 'busy'));
  t.doesNotThrow(() => EDGES.check('done', 'done'), 'staying is no edge');
  t.throws(() => EDGES.check('done', 'idle'), {
    message: 'invariant broken: codec: no edge from done to idle',
  });
});

t.test(
  'checks are off unless the process was told otherwise before it loaded the proxy',
  async (t) => {
    t.equal(isOnWith('--no-warnings'), 'false');
    t.equal(isOnWith('--import=data:text/javascript,globalThis.OUTRIGGER_INVARIANTS=true'), 'true');
  },
);

t.test('npm test switches them on', { skip: isRunAlone() }, async (t) => {
  t.equal(INVARIANTS, true);
});

/** Started by hand, without build/run-tests.mjs. */
function isRunAlone(): string | false {
  const isRun = process.env['NODE_OPTIONS']?.includes('invariants-on.mjs') === true;
  return isRun ? false : 'not started by build/run-tests.mjs';
}
