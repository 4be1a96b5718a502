// CPU time and memory of a process with all its children, from /proc.
import { readdirSync, readFileSync } from 'node:fs';

/** Kernel ticks a second: 100 on every Linux that matters here. */
const TICKS_PER_SECOND = 100;

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process ended meanwhile.
    return '';
  }
}

/** Fields of /proc/<pid>/stat behind the command name. */
function statFields(pid: number): string[] {
  const text = readOrEmpty(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** The process and its descendants. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const parent = Number(statFields(pid)[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const tree = [root];
  for (let index = 0; index < tree.length; index += 1) {
    tree.push(...(children.get(tree[index] as number) ?? []));
  }
  return tree;
}

/** User and system µs of a process tree so far. */
export function cpuMicros(root: number): number {
  let ticks = 0;
  for (const pid of processTree(root)) {
    const fields = statFields(pid);
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return (ticks / TICKS_PER_SECOND) * 1e6;
}

/** Resident MB of a process tree. */
export function residentMb(root: number): number {
  let kb = 0;
  for (const pid of processTree(root)) {
    const match = /VmRSS:\s+(\d+)/.exec(readOrEmpty(`/proc/${pid}/status`));
    kb += Number(match?.[1] ?? 0);
  }
  return kb / 1024;
}
