// Checks who imports whom, against rooms.json. Fails too when no module, or no import between
// modules, was seen: with an unsuitable compiler dependency-cruiser reads nothing and passes.

import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cruise } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';
import { roomNames, ruleSet, sourceDirs } from './dependency-cruiser.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const problems = [];

for (const entry of fs.readdirSync('proxy', { withFileTypes: true })) {
  if (!entry.isDirectory() || !roomNames.includes(entry.name)) {
    problems.push(`proxy/${entry.name} is no room: see build/rooms.json`);
  }
}

const { output } = await cruise(
  sourceDirs.filter((dir) => fs.existsSync(dir)),
  {
    ruleSet,
    validate: true,
    tsPreCompilationDeps: true,
    doNotFollow: { path: ['node_modules', '^proxy/api/gen/'] },
    exclude: { path: '^proxy/api/gen/.*/gen/' },
  },
  {
    bustTheCache: true,
    exportsFields: ['exports'],
    conditionNames: ['import', 'node', 'types', 'default'],
  },
  { tsConfig: extractTSConfig('tsconfig.json') },
);
const { summary, modules } = output;
for (const { rule, from, to, cycle } of summary.violations) {
  const path = cycle ? cycle.map((step) => step.name).join(' -> ') : to;
  problems.push(`${rule.name}: ${from} -> ${path}`);
}

const ours = modules.filter(({ source }) => source.endsWith('.ts') && !source.endsWith('.d.ts'));
const imports = ours.flatMap(({ dependencies }) => dependencies);
if (summary.totalCruised === 0 || ours.length === 0) problems.push('no module was cruised');
if (imports.length === 0) problems.push('no import was seen');

for (const problem of problems) console.error(`rooms: ${problem}`);
console.log(
  `rooms: ${ours.length} modules, ${imports.length} imports, ${problems.length} problems`,
);
process.exitCode = problems.length > 0 ? 1 : 0;
