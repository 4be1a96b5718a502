// Adds to package-lock.json the optional packages of other platforms that npm left out because the
// registry in use does not carry them; without them npm ci refuses the file. Run it after every
// npm install that changes the lock file.

import fs from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(fs.readFileSync(file, 'utf8'));
const OS = { android: 'android', darwin: 'darwin', freebsd: 'freebsd', win32: 'win32' };
const CPU = /\b(arm64|x64|ia32|ppc64|riscv64|s390x|arm(?=-|v7))/;
let added = 0;

for (const [parent, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    // A range means a package of its own, not a part of the parent made for one platform.
    if (lock.packages[key] !== undefined || !/^\d+\.\d+\.\d+$/.test(version)) continue;
    const system = Object.keys(OS).find((os) => name.includes(`-${os}`));
    const cpu = CPU.exec(name)?.[1];
    lock.packages[key] = {
      version,
      ...(cpu && { cpu: [cpu === 'armv7' ? 'arm' : cpu] }),
      ...(entry.dev && { dev: true }),
      ...(name.includes('musl') && { libc: ['musl'] }),
      optional: true,
      os: [OS[system] ?? (name.includes('openharmony') ? 'openharmony' : 'linux')],
    };
    console.log(`added ${name} ${version} (of ${parent})`);
    added += 1;
  }
}

if (added > 0) {
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
  lock.packages = Object.fromEntries(sorted);
  fs.writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
}
