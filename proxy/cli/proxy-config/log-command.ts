// `outrigger proxy-config log`: shows the levels of a running proxy's log, and sets them.
import { EXIT_FAILURE, EXIT_OK, EXIT_USAGE } from '../exit-codes.ts';
import { type AdminPlace, parseAdminPlace, readAdminText } from '../top/admin-client.ts';
import type { Result } from './dump.ts';
import {
  type ComponentLevel,
  levelRequests,
  parseLevels,
  parseLoggers,
  unknownComponents,
} from './log-levels.ts';
import { answerText, formatError, parseFormat, writeOut } from './output.ts';

/** The command's flags as commander gives them. */
export interface LogFlags {
  readonly admin: string;
  readonly level?: string;
  readonly reset?: boolean;
  readonly output?: string;
}

/** What istioctl sets by `--reset`. */
const RESET_LEVEL = 'warning';

/** Prints the levels as they are afterwards. */
export async function showLog(flags: LogFlags): Promise<number> {
  const { admin, output = 'short' } = flags;
  const level = flags.reset === true ? RESET_LEVEL : flags.level;
  const place = parseAdminPlace(admin);
  const format = parseFormat(output);
  const wanted: Result<readonly ComponentLevel[]> =
    level === undefined ? { ok: true, value: [] } : parseLevels(level);
  const isBoth = flags.reset === true && flags.level !== undefined;
  if (place === null || format === null || !wanted.ok || isBoth) {
    if (isBoth) console.error('error: --level and --reset: give only one');
    if (place === null) {
      console.error(
        `error: --admin: '${admin}' is no address: write HOST:PORT, or the path of a pipe`,
      );
    }
    if (format === null) console.error(`error: ${formatError(output)}`);
    if (!wanted.ok) console.error(`error: --level: ${wanted.error}`);
    console.error("Try 'outrigger proxy-config log --help'.");
    return EXIT_USAGE;
  }
  const levels = await setLevels(place, wanted.value);
  if (!levels.ok) {
    console.error(`error: ${admin}: ${levels.error}`);
    return EXIT_FAILURE;
  }
  const { value } = levels;
  const table = () => ({ titles: ['COMPONENT', 'LEVEL'], rows: value });
  await writeOut(answerText({ table, json: () => Object.fromEntries(value) }, format));
  return EXIT_OK;
}

async function setLevels(
  place: AdminPlace,
  wanted: readonly ComponentLevel[],
): Promise<Result<readonly ComponentLevel[]>> {
  const before = await askLogging(place, '/logging');
  if (!before.ok) return before;
  const unknown = unknownComponents(wanted, before.value);
  if (unknown.length > 0) {
    const names = before.value.map(([component]) => component).join(', ');
    return { ok: false, error: `it has no component ${unknown.join(', ')}, only ${names}` };
  }
  let after: Result<readonly ComponentLevel[]> = before;
  for (const path of levelRequests(wanted)) {
    after = await askLogging(place, path);
    if (!after.ok) return after;
  }
  return after;
}

async function askLogging(
  place: AdminPlace,
  path: string,
): Promise<Result<readonly ComponentLevel[]>> {
  const answer = await readAdminText(place, path, 'POST');
  if (!answer.ok) return answer;
  const value = parseLoggers(answer.value);
  if (value !== null) return { ok: true, value };
  return { ok: false, error: '/logging says no levels: is this the admin interface?' };
}
