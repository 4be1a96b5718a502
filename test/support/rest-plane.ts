// A management server that is polled: each type has its own path and its own answer.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { KEPT } from './kept-connections.ts';
import type { Message } from './static-bootstrap.ts';

type Kind = 'cluster' | 'endpoint' | 'extension' | 'listener' | 'route' | 'scopedRoute';

const PATHS: Readonly<Record<Kind, string>> = {
  cluster: '/v3/discovery:clusters',
  endpoint: '/v3/discovery:endpoints',
  extension: '/v3/discovery:extension_configs',
  listener: '/v3/discovery:listeners',
  route: '/v3/discovery:routes',
  scopedRoute: '/v3/discovery:scoped-routes',
};

/** See the file's head. */
export class RestPlane {
  readonly #answers = new Map<string, string>();
  #version = 0;
  readonly #server = http.createServer(KEPT, (request, response) => {
    request.resume().on('end', () => {
      const answer = this.#answers.get(request.url ?? '');
      response.writeHead(answer === undefined ? 304 : 200).end(answer);
    });
  });

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** What polls of a type get from now on. */
  set(kind: Kind, resources: readonly Message[]): void {
    this.#version += 1;
    const type_url = TYPE_URLS[kind];
    const typed = resources.map((each) => ({ '@type': type_url, ...each }));
    const answer = { version_info: `v${this.#version}`, type_url, resources: typed };
    this.#answers.set(PATHS[kind], JSON.stringify(answer));
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
