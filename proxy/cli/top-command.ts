// `outrigger top`: what the clusters and hosts of a running proxy do, by its admin interface.
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT_FAILURE, EXIT_OK, EXIT_USAGE } from './exit-codes.ts';
import { type AdminPlace, parseAdminPlace } from './top/admin-client.ts';
import { type Arrangement, arrange, SORT_KEYS, type SortKey } from './top/arrange.ts';
import { LiveView } from './top/live-view.ts';
import type { Report } from './top/rates.ts';
import { Sampler } from './top/sampler.ts';
import { summaryLine, tableLines } from './top/table.ts';
import { SystemTerminal } from './top/terminal.ts';

/** The command's flags as commander gives them. */
export interface TopFlags {
  readonly once?: boolean;
  readonly json?: boolean;
  readonly interval?: string;
  readonly sort?: string;
  readonly filter?: string;
  /** False: --no-hosts. */
  readonly hosts?: boolean;
}

const DEFAULT_INTERVAL_S = 2;
/** `--once` answers soon. */
const DEFAULT_ONCE_INTERVAL_S = 1;
const MAX_INTERVAL_S = 3600;
const MS_PER_SECOND = 1000;
/** A pipe has no width: nothing is left out or cut. */
const UNBOUNDED_WIDTH = 10_000;

interface TopOptions extends Arrangement {
  readonly address: string;
  readonly place: AdminPlace;
  readonly intervalMs: number;
  readonly json: boolean;
}

/** Shows a proxy until the user leaves, or once. */
export async function runTop(address: string, flags: TopFlags): Promise<number> {
  const options = readOptions(address, flags);
  if (options === null) return EXIT_USAGE;
  if (flags.once === true) return printOnce(options);
  const isInteractive = process.stdout.isTTY === true && !options.json;
  return isInteractive ? runLive(options) : printForever(options);
}

function readOptions(address: string, flags: TopFlags): TopOptions | null {
  const errors: string[] = [];
  const place = parseAdminPlace(address);
  if (place === null) {
    errors.push(`'${address}' is no admin address: write HOST:PORT, or the path of a pipe`);
  }
  const fallback = flags.once === true ? DEFAULT_ONCE_INTERVAL_S : DEFAULT_INTERVAL_S;
  const seconds = Number(flags.interval ?? fallback);
  if (!(seconds >= 0.1 && seconds <= MAX_INTERVAL_S)) {
    errors.push(`--interval: '${flags.interval}' is not a number of seconds from 0.1 to 3600`);
  }
  const sort = flags.sort ?? 'name';
  if (!isSortKey(sort)) {
    errors.push(`--sort: '${sort}' is none of ${Object.keys(SORT_KEYS).join(', ')}`);
  }
  if (place === null || !isSortKey(sort) || errors.length > 0) {
    for (const error of errors) console.error(`error: ${error}`);
    console.error("Try 'outrigger top --help'.");
    return null;
  }
  return {
    ...{ address, place, sort, intervalMs: seconds * MS_PER_SECOND },
    ...{ filter: flags.filter ?? '', hosts: flags.hosts !== false, json: flags.json === true },
  };
}

function isSortKey(text: string): text is SortKey {
  return Object.hasOwn(SORT_KEYS, text);
}

async function printOnce(options: TopOptions): Promise<number> {
  const sampler = new Sampler(options.place);
  const first = await sampler.next();
  if (first.ok) await delay(options.intervalMs);
  const second = first.ok ? await sampler.next() : first;
  if (!second.ok || second.value === null) {
    console.error(`error: ${options.address}: ${second.ok ? 'no second sample' : second.error}`);
    return EXIT_FAILURE;
  }
  process.stdout.write(printed(second.value, options));
  return EXIT_OK;
}

/** For a pipe: one table, or one line of JSON, after another, until nobody reads. */
async function printForever(options: TopOptions): Promise<number> {
  let isRead = true;
  process.stdout.once('error', () => {
    isRead = false;
  });
  const sampler = new Sampler(options.place);
  while (isRead) {
    const next = await sampler.next();
    if (!next.ok) console.error(`error: ${options.address}: ${next.error}`);
    else if (next.value !== null)
      process.stdout.write(`${printed(next.value, options)}${options.json ? '' : '\n'}`);
    await delay(options.intervalMs);
  }
  return EXIT_OK;
}

function printed(report: Report, options: TopOptions): string {
  const clusters = arrange(report.clusters, options);
  if (options.json) return `${JSON.stringify({ ...report, clusters })}\n`;
  const { isTTY, columns } = process.stdout;
  const style = isTTY
    ? { width: columns, colour: true }
    : { width: UNBOUNDED_WIDTH, colour: false };
  const lines = [summaryLine(report, options.address), ...tableLines(clusters, style)];
  return `${lines.join('\n')}\n`;
}

/** On a terminal; the promise ends when the user leaves. */
async function runLive(options: TopOptions): Promise<number> {
  const view = new LiveView({ ...options, place: options.address, colour: true });
  const stop = new AbortController();
  const quit = (): void => stop.abort();
  const redraw = (): void => terminal.draw(view.frame(terminal.width, terminal.height));
  const terminal = new SystemTerminal(process.stdin, process.stdout, {
    onKey: (key) => {
      const effect = view.onKey(key);
      if (effect === 'quit') quit();
      if (effect === 'redraw') redraw();
    },
    onResize: redraw,
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, quit);
  process.stdout.once('error', quit);
  try {
    redraw();
    await watch(options, { view, redraw, stop: stop.signal });
  } finally {
    terminal.close();
  }
  return EXIT_OK;
}

async function watch(
  { place, intervalMs }: TopOptions,
  screen: { readonly view: LiveView; readonly redraw: () => void; readonly stop: AbortSignal },
): Promise<void> {
  const { view, redraw, stop } = screen;
  const sampler = new Sampler(place);
  let isFirst = true;
  const left = new Promise<void>((resolve) => {
    stop.addEventListener('abort', () => resolve(), { once: true });
  });
  while (!stop.aborted) {
    const next = await Promise.race([sampler.next(), left]);
    if (next === undefined) return;
    if (!next.ok) view.showError(next.error);
    else if (next.value !== null) view.show(next.value);
    redraw();
    // The first comparison comes soon: nobody likes an empty screen.
    const waitMs = isFirst
      ? Math.min(intervalMs, DEFAULT_ONCE_INTERVAL_S * MS_PER_SECOND)
      : intervalMs;
    isFirst = false;
    await delay(waitMs, undefined, { signal: stop }).catch(() => undefined);
  }
}
