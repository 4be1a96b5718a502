// Imported into every process of a proxy (NODE_OPTIONS): when a file `measure` appears in the directory
// that OUTRIGGER_PROBE names, each writes what it holds after a collection into a file of its own.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getHeapCodeStatistics, setFlagsFromString, writeHeapSnapshot } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

/** What a process holds. */
export interface Holding {
  /** Which question this answers. */
  readonly turn: string;
  /**
   * What the program keeps: without `codeBytes`, or where OUTRIGGER_PROBE_EXACTLY is set without
   * anything that comes with compiled code.
   */
  readonly heapBytes: number;
  /**
   * Compiled code: it grows for as long as one function after the other becomes hot. V8 counts a half
   * of it here; data for deoptimisation and lists of what depends on a shape are in `heapBytes`.
   */
  readonly codeBytes: number;
  /** All of it. */
  readonly totalBytes: number;
  /** Without connections, which come and go. */
  readonly descriptors: number;
  /** Sockets, timers and the like that Node keeps. */
  readonly resources: Readonly<Record<string, number>>;
}

const LOOK_MS = 100;
/** What is freed by one collection may free more. */
const COLLECTIONS = 4;

const directory = process.env['OUTRIGGER_PROBE'] ?? '';
const isExact = (process.env['OUTRIGGER_PROBE_EXACTLY'] ?? '') !== '';
let lastTurn = '';

function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let count = 0; count < COLLECTIONS; count += 1) gc();
}

/** Lists of code that is to be thrown away when a shape changes. */
const DEPENDENT_CODE = 'system / WeakArrayList';

interface Snapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly [readonly string[]];
    };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

/** Octets of all that is in the heap but compiled code and what V8 keeps with it; takes seconds. */
function objectBytes(): number {
  const file = writeHeapSnapshot(join(directory, `heap-${process.pid}`));
  const { snapshot, nodes, strings } = JSON.parse(readFileSync(file, 'utf8')) as Snapshot;
  rmSync(file);
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const at = (field: string): number => fields.indexOf(field);
  const [type, name, size] = [at('type'), at('name'), at('self_size')];
  const code = types[0].indexOf('code');
  const dependent = strings.indexOf(DEPENDENT_CODE);
  let sum = 0;
  for (let node = 0; node < nodes.length; node += fields.length) {
    if (nodes[node + type] === code || nodes[node + name] === dependent) continue;
    sum += nodes[node + size] as number;
  }
  return sum;
}

function look(): void {
  const question = join(directory, 'measure');
  if (!existsSync(question)) return;
  const turn = readFileSync(question, 'utf8');
  if (turn === lastTurn || turn === '') return;
  lastTurn = turn;
  collect();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  const descriptors = readdirSync('/proc/self/fd').length - (resources['TCPSocketWrap'] ?? 0);
  const code = getHeapCodeStatistics();
  const codeBytes = code.code_and_metadata_size + code.bytecode_and_metadata_size;
  const totalBytes = process.memoryUsage().heapUsed;
  const heapBytes = isExact ? objectBytes() : totalBytes - codeBytes;
  const holding = { turn, heapBytes, codeBytes, totalBytes, descriptors, resources };
  const file = join(directory, `holding-${process.pid}`);
  writeFileSync(`${file}.new`, JSON.stringify(holding satisfies Holding));
  renameSync(`${file}.new`, file);
}

if (directory !== '' && isMainThread) setInterval(look, LOOK_MS).unref();
