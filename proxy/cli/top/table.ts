// A report as lines of text that fit the width of a terminal.
import type { ClusterRow, HostRow, Report } from './rates.ts';

/** How lines are made. */
export interface TableOptions {
  /** Columns of the terminal. */
  readonly width: number;
  readonly colour: boolean;
}

/** How a cell looks. */
type Look = 'plain' | 'good' | 'warn' | 'bad' | 'dim';

interface Cell {
  readonly text: string;
  readonly look: Look;
}

interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  /** Columns with larger numbers are left out first where there is no room. */
  readonly rank: number;
  readonly cluster: (row: ClusterRow) => Cell;
  readonly host: (row: HostRow) => Cell;
}

const CODES: Readonly<Record<Look, string>> = {
  plain: '',
  good: '\u001b[32m',
  warn: '\u001b[33m',
  bad: '\u001b[31m',
  dim: '\u001b[2m',
};
const RESET = '\u001b[0m';
const BOLD = '\u001b[1m';
const GAP = '  ';
/** Names are cut to no less than this while a column can go instead: an IPv4 address fits. */
const MIN_NAME = 23;
const EMPTY: Cell = { text: '', look: 'plain' };
/** Below these shares of successes, in percent, a number is coloured. */
const WARN_PERCENT = 100;
const BAD_PERCENT = 95;

const COLUMNS: readonly Column[] = [
  {
    ...{ title: 'HEALTH', align: 'left', rank: 4 },
    cluster: ({ healthyHosts, totalHosts, ejectedHosts }) => {
      const ejected = ejectedHosts === 0 ? '' : `, ${ejectedHosts} ejected`;
      return {
        text: `${healthyHosts}/${totalHosts}${ejected}`,
        look: healthLook(healthyHosts, totalHosts),
      };
    },
    host: ({ health }) => ({
      text: healthText(health),
      look: health === 'healthy' ? 'good' : 'bad',
    }),
  },
  {
    ...{ title: 'RQ/S', align: 'right', rank: 0 },
    cluster: (row) => plain(rate(row.requestsPerSecond)),
    host: (row) => plain(rate(row.requestsPerSecond)),
  },
  {
    ...{ title: 'OK %', align: 'right', rank: 1 },
    cluster: (row) => share(row.successPercent),
    host: (row) => share(row.successPercent),
  },
  {
    ...{ title: 'P50', align: 'right', rank: 6 },
    cluster: (row) => plain(milliseconds(row.latencyMs?.p50)),
    host: () => EMPTY,
  },
  {
    ...{ title: 'P95', align: 'right', rank: 5 },
    cluster: (row) => plain(milliseconds(row.latencyMs?.p95)),
    host: () => EMPTY,
  },
  {
    ...{ title: 'P99', align: 'right', rank: 2 },
    cluster: (row) => plain(milliseconds(row.latencyMs?.p99)),
    host: () => EMPTY,
  },
  {
    ...{ title: 'CX', align: 'right', rank: 7 },
    cluster: (row) => plain(String(row.connections)),
    host: (row) => plain(String(row.connections)),
  },
  {
    ...{ title: 'ACTIVE', align: 'right', rank: 8 },
    cluster: (row) => plain(String(row.activeRequests)),
    host: (row) => plain(String(row.activeRequests)),
  },
  {
    ...{ title: 'PENDING', align: 'right', rank: 9 },
    cluster: (row) => plain(String(row.pendingRequests)),
    host: (row) => plain(String(row.pendingRequests)),
  },
  {
    ...{ title: 'RETRY/S', align: 'right', rank: 10 },
    cluster: (row) => plain(rate(row.retriesPerSecond)),
    host: () => EMPTY,
  },
  {
    ...{ title: 'OPEN BREAKERS', align: 'left', rank: 3 },
    cluster: ({ openBreakers }) =>
      openBreakers.length === 0
        ? { text: '-', look: 'dim' }
        : { text: openBreakers.join(','), look: 'bad' },
    host: () => EMPTY,
  },
];

/** Reasons in few words; the field's name where there are none. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['failed_active_health_check', 'check failed'],
  ['failed_outlier_check', 'ejected'],
  ['failed_active_degraded_check', 'degraded'],
  ['pending_dynamic_removal', 'leaving'],
  ['pending_active_hc', 'unchecked'],
  ['excluded_via_immediate_hc_fail', 'excluded'],
  ['active_hc_timeout', 'check timed out'],
  ['eds_unhealthy', 'unhealthy'],
  ['eds_degraded', 'degraded'],
  ['eds_draining', 'draining'],
]);

/** The first line: what the proxy is and how much it does. */
export function summaryLine(report: Report, place: string): string {
  const { clusters, state, uptime } = report;
  const hosts = clusters.reduce((sum, cluster) => sum + cluster.totalHosts, 0);
  const requests = clusters.reduce((sum, cluster) => sum + cluster.requestsPerSecond, 0);
  const parts = [
    ...[place, state, `up ${uptime}`, `${rate(requests)} rq/s`],
    ...[`${clusters.length} clusters`, `${hosts} hosts`],
  ];
  return printable(parts.join('  '));
}

/** A line of titles, then one for each cluster with its hosts under it; none ends in a line break. */
export function tableLines(
  clusters: readonly ClusterRow[],
  options: TableOptions,
): readonly string[] {
  const rows: Row[] = clusters.flatMap((cluster) => [
    makeRow(cluster.name, (column) => column.cluster(cluster)),
    ...cluster.hosts.map((host) => makeRow(`  ${host.address}`, (column) => column.host(host))),
  ]);
  const { columns, nameWidth } = fit(rows, options.width);
  const titles = {
    name: 'CLUSTER',
    cells: COLUMNS.map(({ title }) => plain(title)),
  };
  const line = (row: Row, bold: boolean): string => {
    const cells = columns.map(({ index, width }) => {
      const cell = row.cells[index] ?? EMPTY;
      const isLast = index === columns.at(-1)?.index;
      return painted(cell, pad(cell.text, COLUMNS[index], isLast ? 0 : width, width), options);
    });
    const text = [cut(row.name, nameWidth).padEnd(nameWidth), ...cells].join(GAP).trimEnd();
    return bold && options.colour ? `${BOLD}${text}${RESET}` : text;
  };
  return [line(titles, true), ...rows.map((row) => line(row, false))];
}

/** Cut to a number of columns; what would steer the terminal is replaced. */
export function cut(text: string, width: number): string {
  const characters = [...printable(text)];
  if (characters.length <= width) return characters.join('');
  return width < 1 ? '' : `${characters.slice(0, width - 1).join('')}…`;
}

interface Row {
  readonly name: string;
  readonly cells: readonly Cell[];
}

interface FittedColumn {
  readonly index: number;
  readonly width: number;
}

function makeRow(name: string, cell: (column: Column) => Cell): Row {
  const cells = COLUMNS.map((column) => {
    const { text, look } = cell(column);
    return { text: printable(text), look };
  });
  return { name: printable(name), cells };
}

/** Leaves out the least important columns until names have room. */
function fit(
  rows: readonly Row[],
  width: number,
): { readonly columns: readonly FittedColumn[]; readonly nameWidth: number } {
  const widest = (index: number, title: string): number =>
    rows.reduce(
      (most, { cells }) => Math.max(most, [...(cells[index]?.text ?? '')].length),
      title.length,
    );
  const longestName = rows.reduce(
    (most, { name }) => Math.max(most, [...name].length),
    'CLUSTER'.length,
  );
  let columns = COLUMNS.map(({ title }, index) => ({ index, width: widest(index, title) }));
  const taken = (): number => columns.reduce((sum, column) => sum + column.width + GAP.length, 0);
  const enough = Math.min(longestName, MIN_NAME);
  while (columns.length > 0 && taken() + enough > width) {
    const rank = Math.max(...columns.map(({ index }) => COLUMNS[index]?.rank ?? 0));
    columns = columns.filter(({ index }) => COLUMNS[index]?.rank !== rank);
  }
  return { columns, nameWidth: Math.max(1, Math.min(longestName, width - taken())) };
}

/** `shown` is less than `width` for text that nothing follows. */
function pad(text: string, column: Column | undefined, shown: number, width: number): string {
  return column?.align === 'right' ? text.padStart(width) : text.padEnd(shown);
}

function painted({ look }: Cell, text: string, { colour }: TableOptions): string {
  return colour && look !== 'plain' ? `${CODES[look]}${text}${RESET}` : text;
}

function plain(text: string): Cell {
  return { text, look: 'plain' };
}

function share(percent: number | null): Cell {
  if (percent === null) return { text: '-', look: 'dim' };
  // 99.96 is not 100.
  return { text: (Math.floor(percent * 10) / 10).toFixed(1), look: shareLook(percent) };
}

function healthText(health: string): string {
  return health
    .split(',')
    .map((reason) => REASONS.get(reason) ?? reason)
    .join(', ');
}

function shareLook(percent: number): Look {
  if (percent < BAD_PERCENT) return 'bad';
  return percent < WARN_PERCENT ? 'warn' : 'good';
}

function healthLook(healthy: number, total: number): Look {
  if (healthy === total) return 'good';
  return healthy === 0 ? 'bad' : 'warn';
}

function rate(perSecond: number): string {
  return perSecond.toFixed(perSecond < 100 ? 1 : 0);
}

function milliseconds(value: number | undefined): string {
  if (value === undefined) return '-';
  return value.toFixed(value < 100 ? 1 : 0);
}

/** Names come from configuration: none of them steers the terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '?');
}
