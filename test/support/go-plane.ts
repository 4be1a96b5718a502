// A control plane made of go-control-plane (test/support/go-control-plane), compiled once and kept
// outside of the repository.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import { apiRegistry } from '../../proxy/api/registry.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { eventually } from './eventually.ts';
import type { Message } from './static-bootstrap.ts';

const SOURCE = fileURLToPath(new URL('../../../test/support/go-control-plane/', import.meta.url));
/** The first time Go compiles some hundred packages. */
const BUILD_TIMEOUT_MS = 150_000;

/** What the program says: see its source. */
export interface GoEvent {
  readonly port?: number;
  readonly type?: string;
  readonly nonce?: string;
  readonly version?: string;
  readonly error?: string;
  readonly sent?: boolean;
}

/** Resources by kind, as JSON. */
export type GoSnapshot = Partial<Record<keyof typeof TYPE_URLS, readonly Message[]>>;

/** The compiled program, or why there is none. */
export function goProgram():
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly reason: string } {
  const given = process.env['GO_CONTROL_PLANE'] ?? '';
  if (given !== '') return { ok: true, path: given };
  const go = process.env['GO_BIN'] || 'go';
  const version = spawnSync(go, ['env', 'GOVERSION'], { encoding: 'utf8' });
  if (version.status !== 0)
    return { ok: false, reason: 'no Go: neither GO_BIN nor go on the PATH' };
  const hash = createHash('sha256').update(version.stdout);
  for (const name of readdirSync(SOURCE).sort()) hash.update(readFileSync(join(SOURCE, name)));
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'outrigger');
  const path = join(cache, `go-control-plane-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(path)) return { ok: true, path };
  mkdirSync(cache, { recursive: true });
  try {
    // Another process may be at the same.
    const made = `${path}.${process.pid}`;
    const timeout = BUILD_TIMEOUT_MS;
    execFileSync(go, ['build', '-o', made, '.'], { cwd: SOURCE, timeout, stdio: 'pipe' });
    renameSync(made, path);
    return { ok: true, path };
  } catch (error) {
    const { stderr } = error as { readonly stderr?: Buffer };
    const reason = stderr?.toString().trim().split('\n').at(-1) || String(error);
    return { ok: false, reason: `go-control-plane cannot be compiled: ${reason}` };
  }
}

/**
 * What Go's own reader of ProtoJSON finds in an answer of /config_dump, as strict as istioctl's: a
 * line for each section with its lists that hold something.
 */
export function readDumpInGo(path: string, dump: string): readonly string[] {
  const { status, stderr, stdout } = spawnSync(path, ['-dump'], { input: dump, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim());
}

/** A running program. */
export class GoPlane {
  readonly events: GoEvent[] = [];
  readonly #process: ChildProcess;
  #version = 0;

  private constructor(child: ChildProcess) {
    this.#process = child;
    if (child.stdout === null) throw new Error('it has no output');
    createInterface(child.stdout).on('line', (line) => {
      this.events.push(JSON.parse(line) as GoEvent);
    });
  }

  /** `isAggregated`: it waits for all names before it answers. */
  static async start(path: string, isAggregated: boolean): Promise<GoPlane> {
    const args = ['-node', 'node', `-ads=${isAggregated}`];
    const child = spawn(path, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const plane = new GoPlane(child);
    await eventually(() => plane.port > 0);
    return plane;
  }

  get port(): number {
    return this.events[0]?.port ?? 0;
  }

  /** From now on this is all there is; answers the version. */
  set(snapshot: GoSnapshot): string {
    this.#version += 1;
    const version = `v${this.#version}`;
    const entries = Object.entries(snapshot) as [keyof typeof TYPE_URLS, readonly Message[]][];
    const resources = Object.fromEntries(
      entries.map(([kind, list]) => [TYPE_URLS[kind], list.map((one) => octetsOf(kind, one))]),
    );
    this.#process.stdin?.write(`${JSON.stringify({ version, resources })}\n`);
    return version;
  }

  /** What clients refused, of all types. */
  refusals(): readonly string[] {
    return this.events.flatMap(({ error }) => (error === undefined ? [] : [error]));
  }

  /** Whether the newest response of a kind, which has to be of that version, was accepted. */
  isAccepted(kind: keyof typeof TYPE_URLS, version: string): boolean {
    const type = TYPE_URLS[kind];
    const sent = this.events.findLast((event) => event.type === type && event.sent === true);
    if (sent === undefined || sent.version !== version) return false;
    return this.events.some(
      (event) =>
        event.type === type &&
        event.sent !== true &&
        event.nonce === sent.nonce &&
        event.error === undefined,
    );
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }
}

function octetsOf(kind: keyof typeof TYPE_URLS, json: Message): string {
  const typeUrl = TYPE_URLS[kind];
  const schema = apiRegistry.getMessage(typeUrl.slice(typeUrl.indexOf('/') + 1));
  if (schema === undefined) throw new Error(`no type ${typeUrl}`);
  const plain = JSON.parse(JSON.stringify(json)) as JsonValue;
  const message = fromJson(schema, plain, { registry: apiRegistry });
  return Buffer.from(toBinary(schema, message)).toString('base64');
}
