// The levels of a proxy's log as its /logging says them, and as `proxy-config log` asks for them.
import { LOG_LEVELS } from '../../base/log.ts';
import type { Result } from './dump.ts';

/** A component and its level, in the proxy's order. */
export type ComponentLevel = readonly [string, string];

/** Envoy prints `active loggers:` and a line for each; null: that is something else. */
export function parseLoggers(answer: string): readonly ComponentLevel[] | null {
  const [title, ...lines] = answer.trimEnd().split('\n');
  if (title !== 'active loggers:') return null;
  return lines.map((line) => {
    const colon = line.lastIndexOf(':');
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
}

/** What `--level` wants; '' as a component stands for all of them. */
export function parseLevels(text: string): Result<readonly ComponentLevel[]> {
  const levels: ComponentLevel[] = [];
  for (const part of text.split(',')) {
    const colon = part.lastIndexOf(':');
    const component = part.slice(0, Math.max(0, colon)).trim();
    const said = part.slice(colon + 1).trim();
    const level = said === 'warn' ? 'warning' : said;
    if (!LOG_LEVELS.some((known) => known === level)) {
      return { ok: false, error: `'${said}' is none of ${LOG_LEVELS.join(', ')}` };
    }
    if (colon === 0) return { ok: false, error: `'${part}' names no component` };
    levels.push([component, level]);
  }
  return { ok: true, value: levels };
}

/** Components that are not there; the proxy would change none at all. */
export function unknownComponents(
  wanted: readonly ComponentLevel[],
  known: readonly ComponentLevel[],
): readonly string[] {
  const names = new Set(known.map(([component]) => component));
  return wanted.map(([component]) => component).filter((name) => name !== '' && !names.has(name));
}

/** Requests that make it so: a level for all goes first, whatever the order. */
export function levelRequests(wanted: readonly ComponentLevel[]): readonly string[] {
  const all = wanted.filter(([component]) => component === '').at(-1);
  const single = wanted.filter(([component]) => component !== '');
  const pairs = single.map(([component, level]) => `${encodeURIComponent(component)}:${level}`);
  return [
    ...(all === undefined ? [] : [`/logging?level=${all[1]}`]),
    ...(pairs.length === 0 ? [] : [`/logging?paths=${pairs.join(',')}`]),
  ];
}
