// Imported into every process of a proxy (NODE_OPTIONS): when a file `measure` appears in the directory
// that OUTRIGGER_PROBE names, each writes what it holds after a collection into a file of its own.
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getHeapCodeStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

/** What a process holds. */
export interface Holding {
  /** Which question this answers. */
  readonly turn: string;
  /** Without `codeBytes`. */
  readonly heapBytes: number;
  /** Compiled code: it grows for as long as something is optimised anew, whatever the program keeps. */
  readonly codeBytes: number;
  /** Without connections, which come and go. */
  readonly descriptors: number;
  /** Sockets, timers and the like that Node keeps. */
  readonly resources: Readonly<Record<string, number>>;
}

const LOOK_MS = 100;
/** What is freed by one collection may free more. */
const COLLECTIONS = 4;

const directory = process.env['OUTRIGGER_PROBE'] ?? '';
let lastTurn = '';

function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let count = 0; count < COLLECTIONS; count += 1) gc();
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
  const heapBytes = process.memoryUsage().heapUsed - codeBytes;
  const holding: Holding = { turn, heapBytes, codeBytes, descriptors, resources };
  const file = join(directory, `holding-${process.pid}`);
  writeFileSync(`${file}.new`, JSON.stringify(holding));
  renameSync(`${file}.new`, file);
}

if (directory !== '' && isMainThread) setInterval(look, LOOK_MS).unref();
