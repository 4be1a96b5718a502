// `outrigger upgrade`: has a running proxy replaced by a newer version, and waits for it.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { EXIT_FAILURE, EXIT_OK, EXIT_USAGE } from './exit-codes.ts';
import { type AdminPlace, parseAdminPlace, type Read } from './top/admin-client.ts';

/** The command's flags as commander gives them. */
export interface UpgradeFlags {
  readonly program?: string;
  readonly deadline?: string;
}

const MS_PER_SECOND = 1000;
const DEFAULT_DEADLINE_S = 120;
const MAX_DEADLINE_S = 3600;
/** The proxy keeps to the deadline itself; only its answer is on its way. */
const ANSWER_GRACE_MS = 5000;

/** Resolves with the exit status when the newer version serves, or the old one goes on. */
export async function upgradeProxy(
  address: string,
  args: readonly string[],
  flags: UpgradeFlags,
): Promise<number> {
  const place = parseAdminPlace(address);
  const seconds = Number(flags.deadline ?? DEFAULT_DEADLINE_S);
  if (place === null) {
    console.error(
      `error: '${address}' is no admin address: write HOST:PORT, or the path of a pipe`,
    );
  }
  if (!(seconds >= 1 && seconds <= MAX_DEADLINE_S)) {
    console.error(`error: --deadline: '${flags.deadline}' is not a number of seconds, 1 to 3600`);
  } else if (place !== null) {
    return say(await ask(place, Math.round(seconds * MS_PER_SECOND), { args, ...flags }));
  }
  console.error("Try 'outrigger upgrade --help'.");
  return EXIT_USAGE;
}

function say(answer: Read<string>): number {
  if (answer.ok) console.log(answer.value.trim());
  else console.error(`error: ${answer.error.trim()}`);
  return answer.ok ? EXIT_OK : EXIT_FAILURE;
}

async function ask(
  place: AdminPlace,
  deadlineMs: number,
  wanted: { readonly args: readonly string[]; readonly program?: string },
): Promise<Read<string>> {
  const request = wanted.program === undefined && wanted.args.length === 0 ? '' : write(wanted);
  try {
    const file = request === '' ? '' : `&request=${encodeURIComponent(request)}`;
    const timeoutMs = deadlineMs + ANSWER_GRACE_MS;
    return await post(place, `/upgrade?deadline_ms=${deadlineMs}${file}`, timeoutMs);
  } finally {
    if (request !== '') rmSync(resolve(request, '..'), { recursive: true, force: true });
  }
}

/** The answer to a command: it may come much later than those to questions. */
function post(place: AdminPlace, path: string, timeoutMs: number): Promise<Read<string>> {
  return new Promise((done) => {
    const fail = (error: string): void => done({ ok: false, error });
    const asked = httpRequest({ ...place, path, method: 'POST', agent: false, timeout: timeoutMs });
    asked.once('timeout', () => {
      fail(`no answer within ${timeoutMs / MS_PER_SECOND} s`);
      asked.destroy();
    });
    asked.once('error', ({ message }) => fail(message));
    asked.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (data: string) => {
        text += data;
      });
      response.once('error', ({ message }) => fail(message));
      response.once('end', () =>
        response.statusCode === 200 ? done({ ok: true, value: text }) : fail(text),
      );
    });
    asked.end();
  });
}

/** A file by which the proxy sees that its own user, or root, asks. */
function write({
  args,
  program,
}: {
  readonly args: readonly string[];
  readonly program?: string;
}): string {
  // Root writes for a proxy that runs as somebody else.
  const isRoot = process.geteuid?.() === 0;
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-upgrade-'));
  const path = join(directory, 'request.json');
  const content = {
    program: program === undefined ? null : resolve(program),
    args: args.length === 0 ? null : args,
  };
  writeFileSync(path, JSON.stringify(content), { mode: 0o600 });
  if (isRoot) chmodSync(path, 0o644);
  if (isRoot) chmodSync(directory, 0o755);
  return path;
}
