// The table of `authn-check`: one line for each cluster and kind of endpoint, with what is behind it.
import type { AuthnRow, ClientUse, ServerDemand } from '../../explain/authn/check-authn.ts';
import { printable } from '../certificate-text.ts';

const TITLES = ['STATUS', 'CLUSTER', 'ENDPOINTS', 'CLIENT', 'SERVER'];
const GAP = '   ';
const MAX_ENDPOINTS = 2;
const DETAIL_INDENT = '          ';

/** Ends with a line break. */
export function authnTable(rows: readonly AuthnRow[]): string {
  const table = [TITLES, ...rows.map(cellsOf)];
  const widths = TITLES.map((_, column) =>
    Math.max(...table.map((cells) => cells[column]?.length ?? 0)),
  );
  const lines = table.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
  const [title = '', ...others] = lines;
  const detailed = others.flatMap((line, index) => [line, ...detailsOf(rows[index])]);
  return `${[title, ...detailed].map((line) => printable(line)).join('\n')}\n`;
}

function cellsOf({ status, cluster, endpoints, client, server }: AuthnRow): readonly string[] {
  const shown = endpoints.slice(0, MAX_ENDPOINTS).join(', ');
  const more = endpoints.length - MAX_ENDPOINTS;
  const where = more > 0 ? `${shown} and ${more} more` : shown || '-';
  return [status, cluster, where, client.mode, server.mode];
}

function detailsOf(row: AuthnRow | undefined): readonly string[] {
  if (row === undefined) return [];
  const details = [clientText(row.client, row.match), serverText(row.server), row.reason];
  return details.filter((text) => text !== '').map((text) => DETAIL_INDENT + text);
}

function clientText(client: ClientUse, match: string): string {
  const { mode, identity, sni, alpn, sans, verifiesServer } = client;
  const isTls = mode === 'SIMPLE' || mode === 'MUTUAL';
  const parts = [
    match === '' ? '' : `by transport_socket_match ${match}`,
    identity === '' ? '' : `as ${identity}`,
    sni === '' ? '' : `SNI ${sni}`,
    alpn.length === 0 ? '' : `ALPN ${alpn.join(', ')}`,
    sans.length === 0 ? '' : `expects ${sans.join(' or ')}`,
    isTls && !verifiesServer ? 'does not verify the server' : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? '' : `client: ${parts.join('; ')}`;
}

function serverText({ place, filterChain }: ServerDemand): string {
  if (place === '') return '';
  return `server: ${place}${filterChain === '' ? '' : `, filter chain ${filterChain}`}`;
}
