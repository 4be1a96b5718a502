// Makes dependency-cruiser's rules from rooms.json: a room imports only rooms with a smaller
// number; rooms with the same number are strangers.

import fs from 'node:fs';

const table = JSON.parse(fs.readFileSync(new URL('rooms.json', import.meta.url), 'utf8'));
const { rooms, ioFree, ioModules, ioExceptions, programs, free } = table;
const anyOf = (names) => `^(${names.join('|')})/`;
const freeDirs = anyOf(free);

/** Top-level folders of sources. */
export const sourceDirs = ['proxy', ...Object.keys(programs), ...free];

/** Names of the rooms under proxy/. */
export const roomNames = Object.keys(rooms);

export const ruleSet = {
  forbidden: [
    ...Object.entries(rooms).map(roomRule),
    ...Object.entries(programs).map(programRule),
    rule('only-cli-imports-programs', '^proxy/(?!cli/)', anyOf(Object.keys(programs))),
    rule('nothing-imports-bench-test-examples', { pathNot: freeDirs }, freeDirs),
    rule(
      'rooms-without-io',
      { path: anyOf(ioFree.map((room) => `proxy/${room}`)), pathNot: ioExceptions },
      `^(node:)?(${ioModules.join('|')})(/|$)`,
    ),
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '/api/gen/' },
    },
  ],
};

function roomRule([name, number]) {
  const strangers = roomNames.filter((other) => other !== name && rooms[other] >= number);
  const to = anyOf(strangers.map((other) => `proxy/${other}`));
  return rule(`room-${name}-${number}`, `^proxy/${name}/`, to);
}

function programRule([name, allowed]) {
  const own = anyOf([name, ...allowed]);
  const others = anyOf(sourceDirs);
  return {
    name: `program-${name}`,
    severity: 'error',
    from: { path: `^${name}/` },
    to: { path: others, pathNot: own },
  };
}

function rule(name, from, to) {
  return {
    name,
    severity: 'error',
    from: typeof from === 'string' ? { path: from } : from,
    to: { path: to },
  };
}
