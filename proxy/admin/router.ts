// From a request to the admin interface to its reply: the table of endpoints and the rules that
// hold for all of them. Knows no sockets.
import { CLUSTERS_ENDPOINT } from './clusters-endpoint.ts';
import { CONFIG_DUMP_ENDPOINT } from './config-dump-endpoint.ts';
import { CONTROL_ENDPOINTS } from './control-endpoints.ts';
import { DISCOVERY_STATUS_ENDPOINT } from './discovery-status-endpoint.ts';
import {
  type AdminContext,
  type AdminReply,
  type AdminRequest,
  type Endpoint,
  textReply,
} from './endpoint.ts';
import { EXPLAIN_ENDPOINT } from './explain-endpoint.ts';
import { helpText, homePage } from './help.ts';
import { INFO_ENDPOINTS } from './info-endpoints.ts';
import { LOGGING_ENDPOINT } from './logging-endpoint.ts';
import { PROMETHEUS_ENDPOINT, STATS_ENDPOINT } from './stats-endpoints.ts';
import { UPGRADE_ENDPOINT } from './upgrade-endpoint.ts';

const HOME: Endpoint = {
  path: '/',
  help: 'Admin home page',
  params: [],
  mutates: false,
  handle: () => ({
    status: 200,
    contentType: 'text/html; charset=UTF-8',
    body: homePage(ENDPOINTS),
    afterwards: null,
  }),
};

const HELP: Endpoint = {
  path: '/help',
  help: 'print out list of admin commands',
  params: [],
  mutates: false,
  handle: () => textReply(helpText(ENDPOINTS)),
};

/** Every endpoint in order of path. A new one is one more entry. */
export const ENDPOINTS: readonly Endpoint[] = [
  HOME,
  HELP,
  CLUSTERS_ENDPOINT,
  CONFIG_DUMP_ENDPOINT,
  ...CONTROL_ENDPOINTS,
  DISCOVERY_STATUS_ENDPOINT,
  EXPLAIN_ENDPOINT,
  ...INFO_ENDPOINTS,
  LOGGING_ENDPOINT,
  STATS_ENDPOINT,
  PROMETHEUS_ENDPOINT,
  UPGRADE_ENDPOINT,
].sort((a, b) => (a.path < b.path ? -1 : 1));

const BY_PATH: ReadonlyMap<string, Endpoint> = new Map(
  ENDPOINTS.map((endpoint) => [endpoint.path, endpoint]),
);

/** The reply to a request; rejects when the backend fails. */
export async function dispatch(request: AdminRequest, context: AdminContext): Promise<AdminReply> {
  const endpoint = BY_PATH.get(request.path);
  if (endpoint === undefined) return textReply(`invalid path. ${helpText(ENDPOINTS)}`, 404);
  if (endpoint.mutates && request.method !== 'POST') {
    return textReply(`Method ${request.method} not allowed, POST required.`, 405);
  }
  return endpoint.handle(request, context);
}
