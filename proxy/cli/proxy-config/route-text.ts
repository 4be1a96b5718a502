// What routes match, in few words, for the tables of routes and of listeners.
import { type JsonRecord, member, record, records, text, texts } from './json-fields.ts';

const PASSTHROUGH = 'PassthroughCluster';
/** Names of a virtual host that are listed before the rest is counted. */
const LISTED_DOMAINS = 2;

/** A RouteMatch: `/a*`, `/a`, `PathPrefix:/a` or `regex a.*`. Conditions on headers are left out. */
export function matchText(match: JsonRecord): string {
  const prefix = text(match, 'prefix');
  const separated = text(match, 'path_separated_prefix');
  const regex = text(record(match, 'safe_regex'), 'regex');
  const template = text(record(match, 'path_match_policy', 'typed_config'), 'path_template');
  const parts = [
    prefix === '' ? '' : `${prefix}*`,
    separated === '' ? '' : `PathPrefix:${separated}`,
    text(match, 'path'),
    regex === '' ? '' : `regex ${regex}`,
    template === '' ? '' : `template ${template}`,
    member(match, 'connect_matcher') === undefined ? '' : 'CONNECT',
  ];
  return parts.filter((part) => part !== '').join(' ');
}

/** Istio's route to whatever is not in its registry: it says nothing about the virtual host. */
export function isPassthrough(route: JsonRecord): boolean {
  return text(record(route, 'route'), 'cluster') === PASSTHROUGH;
}

/** A cluster as a destination; Istio's own special ones go by their bare names. */
export function clusterText(name: string): string {
  return name.includes('Cluster') ? name : `Cluster: ${name}`;
}

/**
 * Domains of a virtual host: without those that another one implies (with a port, or with more of
 * Kubernetes' suffix), and no more than two.
 */
export function domainsText(domains: readonly string[]): string {
  if (domains.length <= 1) return domains[0] ?? '';
  const plain = domains.filter((domain) => !hasPort(domain));
  const short = plain.filter(
    (domain) =>
      !['.svc', '.svc.cluster.local'].some(
        (suffix) => domain.endsWith(suffix) && plain.includes(domain.slice(0, -suffix.length)),
      ),
  );
  const listed = short.slice(0, LISTED_DOMAINS).join(', ');
  const rest = short.length - LISTED_DOMAINS;
  return rest > 0 ? `${listed} + ${rest} more...` : listed;
}

/** A RouteConfiguration in a listener: the cluster that takes everything, or what it matches. */
export function inlineRoutesText(config: JsonRecord): string {
  const hosts = records(config, 'virtual_hosts');
  const only = clusterOfAll(hosts);
  if (only !== '') return clusterText(only);
  const words = hosts.map((host) => {
    const domains = texts(host, 'domains').join('/');
    const matches = records(host, 'routes').map((route) => matchText(record(route, 'match')));
    return `${domains === '*' ? '' : `${domains} `}${matches.join(', ')}`;
  });
  return `Inline Route: ${words.join('; ')}`;
}

/** '' unless one route of one virtual host takes every request. */
function clusterOfAll(hosts: readonly JsonRecord[]): string {
  const [host, ...otherHosts] = hosts;
  if (host === undefined || otherHosts.length > 0) return '';
  const [route, ...otherRoutes] = records(host, 'routes');
  const isAll = texts(host, 'domains').join() === '*';
  if (route === undefined || otherRoutes.length > 0 || !isAll) return '';
  if (text(record(route, 'match'), 'prefix') !== '/') return '';
  return text(record(route, 'route'), 'cluster');
}

/** An address of IPv6 has colons of its own, in brackets. */
function hasPort(domain: string): boolean {
  return domain.startsWith('[') ? !domain.endsWith(']') : domain.includes(':');
}
