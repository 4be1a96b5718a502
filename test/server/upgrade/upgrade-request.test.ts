import { chmodSync, symlinkSync } from 'node:fs';
import t from 'tap';
import { launchOf, readWantedProgram } from '../../../proxy/server/upgrade/upgrade-request.ts';
import { TestDirectory } from '../../support/with-process.ts';

const OWN = {
  execPath: '/usr/bin/node',
  execArgs: ['--max-old-space-size=99'],
  program: '/usr/bin/outrigger',
  args: ['run', '-c', 'a.yaml', '--restart-epoch', '4', '--restart-epoch=5'],
};

t.test('starts the same command again, one epoch later', async (t) => {
  t.same(launchOf(OWN, { program: null, args: null }, 5), {
    file: '/usr/bin/node',
    args: [
      ...['--max-old-space-size=99', '/usr/bin/outrigger', 'run', '-c', 'a.yaml'],
      ...['--restart-epoch', '5'],
    ],
  });
});

t.test('starts another program, or with another command line', async (t) => {
  const script = launchOf(OWN, { program: '/next/main.js', args: ['-c', 'b'] }, 1);
  t.same(script.args, [
    ...['--max-old-space-size=99', '/next/main.js', '-c', 'b'],
    ...['--restart-epoch', '1'],
  ]);
  t.same(launchOf(OWN, { program: '/next/outrigger', args: [] }, 1), {
    file: '/next/outrigger',
    args: ['--restart-epoch', '1'],
  });
});

t.test('trusts requests only that nobody else could have written', async (t) => {
  const directory = new TestDirectory();
  t.teardown(() => directory.remove());
  const path = directory.write('request.json', { program: '/next/main.js', args: ['-c', 'b'] });
  chmodSync(path, 0o600);
  t.same(readWantedProgram(path), { program: '/next/main.js', args: ['-c', 'b'] });
  chmodSync(path, 0o620);
  t.match(readWantedProgram(path), /can be written by others/);
  chmodSync(path, 0o602);
  t.match(readWantedProgram(path), /can be written by others/);
  chmodSync(path, 0o600);
  symlinkSync(path, `${directory.path}/link`);
  t.match(readWantedProgram(`${directory.path}/link`), /cannot be read/);
  t.match(readWantedProgram(`${directory.path}/none`), /cannot be read/);
  t.match(readWantedProgram(directory.path), /is no request/);
  for (const bad of [{ program: 'main.js' }, { args: [1] }, { args: 'x' }]) {
    const file = directory.write('bad.json', bad);
    chmodSync(file, 0o600);
    t.match(readWantedProgram(file), /names no program/);
  }
  t.match(readWantedProgram(directory.write('text', 'no json')), /cannot be read/);
});
