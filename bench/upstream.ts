// The upstream of a scenario: as cheap as can be, on the second core.
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasCommand, pinnedTo } from './load.ts';
import { spawnQuiet } from './process.ts';
import type { Scenario } from './scenario.ts';

/** Starts what a scenario's proxies forward to. */
export function startUpstream(scenario: Scenario, folder: string, port: number): ChildProcess {
  if (scenario.upstream === 'HTTP/2') {
    return node('./baselines/h2-upstream.js', String(port), scenario.isGrpc ? 'grpc' : 'plain');
  }
  if (!hasCommand('nginx')) return node('./baselines/upstream.js', String(port));
  const config = join(folder, 'upstream.conf');
  writeFileSync(
    config,
    `daemon off; worker_processes 1; error_log /dev/null; pid ${folder}/upstream.pid;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path ${folder}; proxy_temp_path ${folder};
  fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  server { listen 127.0.0.1:${port}; location / { return 200 '${'x'.repeat(90)}'; } }
}`,
  );
  return spawnQuiet([...pinnedTo(1), 'nginx', '-c', config]);
}

function node(script: string, ...args: readonly string[]): ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return spawnQuiet([...pinnedTo(1), process.execPath, path, ...args]);
}
